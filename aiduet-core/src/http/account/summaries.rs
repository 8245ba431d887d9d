//! What operations are called in Chinese and Japanese; English stands at the handlers.

/// Name of the operation, Simplified Chinese, Japanese.
pub(super) const SUMMARIES: &[(&str, [&str; 2])] = &[
    ("register", ["注册账户。", "アカウントを登録します。"]),
    ("verify_email", ["使用邮件中的令牌确认邮箱地址。", "メールのトークンでメールアドレスを確認します。"]),
    ("resend_verification", ["重新发送确认邮件。", "確認メールを再送します。"]),
    ("sign_in", ["使用密码登录。", "パスワードでログインします。"]),
    ("refresh", ["用刷新 Cookie 换取新的访问令牌。", "更新用 Cookie を新しいアクセストークンと交換します。"]),
    ("sign_out", ["退出登录。", "ログアウトします。"]),
    ("reauthenticate", ["再次验证密码，用于敏感操作。", "重要な操作のためにパスワードを再確認します。"]),
    ("forgot_password", ["发送重设密码的邮件。", "パスワード再設定のメールを送信します。"]),
    ("reset_password", ["使用邮件中的令牌设置新密码。", "メールのトークンで新しいパスワードを設定します。"]),
    ("confirm_email", ["使用令牌确认新邮箱地址。", "トークンで新しいメールアドレスを確認します。"]),
    ("undo_email", ["使用令牌撤销邮箱地址的更改。", "トークンでメールアドレスの変更を取り消します。"]),
    ("get_me", ["查看账户。", "アカウントを表示します。"]),
    ("change_me", ["更改姓名或语言。", "名前または言語を変更します。"]),
    ("change_password", ["更改密码。", "パスワードを変更します。"]),
    ("change_email", ["申请更改邮箱地址。", "メールアドレスの変更を申請します。"]),
    ("list_sessions", ["列出有效的会话。", "有効なセッションを一覧表示します。"]),
    ("end_session", ["结束一个会话。", "セッションを終了します。"]),
    (
        "list_security_events",
        ["查看账户的安全日志，最新的在前。", "アカウントのセキュリティログを新しい順に表示します。"],
    ),
    (
        "list_keys",
        ["列出未撤销的 API 密钥，最新的在前。", "失効していない API キーを新しい順に一覧表示します。"],
    ),
    ("create_key", ["创建 API 密钥。", "API キーを作成します。"]),
    ("get_key", ["查看一个 API 密钥。", "API キーを表示します。"]),
    ("change_key", ["更改、停用或启用 API 密钥。", "API キーを変更、無効化または有効化します。"]),
    ("revoke_key", ["撤销 API 密钥，立即生效。", "API キーを失効させます。直ちに有効になります。"]),
    (
        "rotate_key",
        ["轮换 API 密钥，旧密钥在一段时间内仍然有效。", "API キーを交換します。元のキーもしばらく使えます。"],
    ),
    ("get_balance", ["查看余额。", "残高を表示します。"]),
    (
        "list_transactions",
        ["查看账户流水及每笔之后的余额，最新的在前。", "取引とその後の残高を新しい順に表示します。"],
    ),
    ("list_topups", ["列出充值，最新的在前。", "チャージを新しい順に一覧表示します。"]),
    ("open_topup", ["开始一次充值，返回付款页面。", "チャージを開始し、支払いページを返します。"]),
    ("get_topup", ["查看一次充值的进展。", "チャージの状況を表示します。"]),
    ("open_portal", ["打开管理银行卡和发票的页面。", "カードと請求書を管理するページを開きます。"]),
    ("list_models", ["列出模型及其价格。", "モデルと料金を一覧表示します。"]),
    (
        "list_policies",
        ["列出各项政策的所有版本，最新的在前。", "各ポリシーのすべての版を新しい順に一覧表示します。"],
    ),
    ("get_policy", ["查看某一版本的政策内容。", "ポリシーのある版の内容を表示します。"]),
    ("get_status", ["查看各提供商的运行状况。", "各プロバイダーの稼働状況を表示します。"]),
];

/// What an operation is called in Chinese and in Japanese.
pub(super) fn summary(operation: &str) -> Option<[&'static str; 2]> {
    SUMMARIES.iter().find(|(name, _texts)| *name == operation).map(|(_name, texts)| *texts)
}
