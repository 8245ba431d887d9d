//! What problems are called, in three languages.

use crate::account::Locale;

/// Code, English, Simplified Chinese, Japanese.
const TITLES: &[(&str, [&str; 3])] = &[
    ("not_found", ["There is nothing here.", "此处没有任何内容。", "ここには何もありません。"]),
    (
        "method_not_allowed",
        [
            "This path does not take this method.",
            "此路径不支持该方法。",
            "このパスはこのメソッドに対応していません。",
        ],
    ),
    (
        "cross_site_request",
        [
            "The request came from another site.",
            "该请求来自其他网站。",
            "リクエストが別のサイトから送信されました。",
        ],
    ),
    ("unauthenticated", ["Sign in first.", "请先登录。", "先にログインしてください。"]),
    (
        "wrong_credentials",
        [
            "The e-mail address or the password is wrong.",
            "邮箱地址或密码不正确。",
            "メールアドレスまたはパスワードが正しくありません。",
        ],
    ),
    (
        "email_unverified",
        [
            "Confirm your e-mail address first: the link is in your mail.",
            "请先确认邮箱地址：链接已发送到您的邮箱。",
            "先にメールアドレスを確認してください。リンクはメールに記載されています。",
        ],
    ),
    (
        "reauth_required",
        [
            "Enter your password again to do this.",
            "请再次输入密码以继续。",
            "続行するにはパスワードを再入力してください。",
        ],
    ),
    (
        "account_deleting",
        [
            "This account is to be deleted. Cancel the deletion to use it again.",
            "此账户即将删除。如需继续使用，请先取消删除。",
            "このアカウントは削除手続き中です。引き続き使用するには、削除を取り消してください。",
        ],
    ),
    (
        "export_downloaded",
        [
            "This archive was downloaded already. Ask for another one.",
            "此存档已下载过，请重新申请。",
            "このアーカイブはダウンロード済みです。新しいものを申請してください。",
        ],
    ),
    (
        "export_expired",
        [
            "The time to download this archive is over. Ask for another one.",
            "此存档的下载期限已过，请重新申请。",
            "このアーカイブのダウンロード期限が過ぎました。新しいものを申請してください。",
        ],
    ),
    (
        "email_mismatch",
        [
            "This is not the e-mail address of the account.",
            "这不是该账户的邮箱地址。",
            "アカウントのメールアドレスと一致しません。",
        ],
    ),
    (
        "invalid_unused_credit",
        [
            "Expected `refund` or `forfeit`.",
            "应为 `refund` 或 `forfeit`。",
            "`refund` または `forfeit` を指定してください。",
        ],
    ),
    (
        "invalid_link",
        [
            "This link is not valid any more. Ask for a new one.",
            "此链接已失效，请重新获取。",
            "このリンクは無効です。新しいリンクを請求してください。",
        ],
    ),
    (
        "nothing_to_link",
        [
            "There is no Google sign-in waiting to be linked. Begin again with Google.",
            "没有等待关联的 Google 登录，请重新使用 Google 登录。",
            "連携待ちの Google ログインがありません。Google でのログインからやり直してください。",
        ],
    ),
    (
        "identity_taken",
        [
            "This Google account, or this account, is already linked to another.",
            "此 Google 账户或本账户已与其他账户关联。",
            "この Google アカウントまたはこのアカウントは、すでに別のアカウントと連携しています。",
        ],
    ),
    (
        "last_way_in",
        [
            "This is the only way into your account. Set a password first, by “Forgot password?”.",
            "这是进入账户的唯一方式。请先通过“忘记密码”设置密码。",
            "これはアカウントに入る唯一の方法です。先に「パスワードをお忘れですか？」からパスワードを設定してください。",
        ],
    ),
    (
        "invalid_return_to",
        [
            "This is not a path of the dashboard.",
            "这不是控制台内的路径。",
            "ダッシュボード内のパスではありません。",
        ],
    ),
    (
        "malformed_body",
        [
            "The body is not the JSON object that this call takes.",
            "请求正文不是此接口所需的 JSON 对象。",
            "本文がこの呼び出しに必要な JSON オブジェクトではありません。",
        ],
    ),
    (
        "unsupported_media_type",
        [
            "Send the body as uncompressed application/json.",
            "请以未压缩的 application/json 发送正文。",
            "本文は圧縮せず application/json で送信してください。",
        ],
    ),
    (
        "unsupported_content_coding",
        [
            "Compressed bodies are not taken: leave content-encoding out.",
            "不接受压缩的正文：请去掉 content-encoding。",
            "圧縮された本文は受け付けません。content-encoding を付けないでください。",
        ],
    ),
    ("request_too_large", ["The body is too large.", "请求正文过大。", "本文が大きすぎます。"]),
    (
        "request_timeout",
        ["The body did not arrive in time.", "请求正文未及时到达。", "本文が時間内に届きませんでした。"],
    ),
    (
        "invalid_request",
        ["Something in the request is wrong.", "请求中有错误。", "リクエストに誤りがあります。"],
    ),
    (
        "invalid_email",
        ["This is not an e-mail address.", "这不是有效的邮箱地址。", "有効なメールアドレスではありません。"],
    ),
    (
        "invalid_name",
        [
            "At most 80 characters, no control characters.",
            "最多 80 个字符，不能包含控制字符。",
            "80 文字以内で、制御文字は使用できません。",
        ],
    ),
    (
        "invalid_locale",
        ["Use en, zh-CN or ja.", "请使用 en、zh-CN 或 ja。", "en、zh-CN、ja のいずれかを使用してください。"],
    ),
    (
        "policies_not_accepted",
        [
            "Accept the terms and the privacy policy.",
            "请接受服务条款和隐私政策。",
            "利用規約とプライバシーポリシーに同意してください。",
        ],
    ),
    (
        "invalid_policy",
        [
            "There are `privacy` and `terms`.",
            "可用的政策为 `privacy` 和 `terms`。",
            "ポリシーは `privacy` と `terms` です。",
        ],
    ),
    (
        "policy_not_in_force",
        [
            "Accept the version in force; `GET /api/v1/policies` names it.",
            "请接受现行版本，可通过 `GET /api/v1/policies` 查看。",
            "現行の版に同意してください。`GET /api/v1/policies` で確認できます。",
        ],
    ),
    ("invalid_cursor", ["This is not a cursor of ours.", "游标无效。", "カーソルが無効です。"]),
    (
        "invalid_limit",
        [
            "Use a number from 1 to 100.",
            "请使用 1 到 100 的数字。",
            "1 から 100 までの数を指定してください。",
        ],
    ),
    (
        "password_too_short",
        ["Use at least 15 characters.", "请至少使用 15 个字符。", "15 文字以上にしてください。"],
    ),
    (
        "password_too_long",
        ["Use at most 128 characters.", "请最多使用 128 个字符。", "128 文字以内にしてください。"],
    ),
    (
        "password_control_character",
        ["Control characters are not possible.", "不能包含控制字符。", "制御文字は使用できません。"],
    ),
    (
        "password_context_word",
        [
            "This is little more than a name that others know.",
            "密码主要由他人知晓的名称组成。",
            "他人に知られている名前とほとんど変わりません。",
        ],
    ),
    (
        "password_similar",
        [
            "This is too much like your name or address.",
            "密码与您的姓名或邮箱过于相似。",
            "名前やメールアドレスに似すぎています。",
        ],
    ),
    (
        "password_common",
        [
            "This is on lists of common passwords.",
            "这是常见密码。",
            "よく使われるパスワードの一覧に含まれています。",
        ],
    ),
    (
        "password_guessable",
        ["This is guessed too easily.", "密码太容易被猜到。", "推測されやすいパスワードです。"],
    ),
    (
        "key_ended",
        [
            "This key has ended. Make a new one.",
            "此密钥已失效，请新建一个。",
            "このキーは終了しています。新しいキーを作成してください。",
        ],
    ),
    (
        "idempotency_key_reused",
        [
            "This Idempotency-Key was used for another request.",
            "此 Idempotency-Key 已用于其他请求。",
            "この Idempotency-Key は別のリクエストで使用されています。",
        ],
    ),
    (
        "invalid_idempotency_key",
        [
            "An Idempotency-Key has 1 to 64 visible ASCII characters.",
            "Idempotency-Key 须为 1 至 64 个可见 ASCII 字符。",
            "Idempotency-Key は 1～64 文字の印字可能な ASCII 文字です。",
        ],
    ),
    (
        "invalid_api_key",
        ["This is not a whole API key.", "这不是完整的 API 密钥。", "API キーの全体ではありません。"],
    ),
    (
        "invalid_limit_value",
        [
            "A limit is above zero; leave it out for none.",
            "限制须大于零；不设限制请省略。",
            "上限は 0 より大きい値です。制限しない場合は省略してください。",
        ],
    ),
    (
        "invalid_models",
        [
            "Name at most 50 models by their identifiers.",
            "最多填写 50 个模型标识。",
            "モデルは識別子で 50 個まで指定できます。",
        ],
    ),
    (
        "invalid_endpoints",
        [
            "Name at most 50 endpoints, such as messages.",
            "最多填写 50 个端点，例如 messages。",
            "エンドポイントは messages のように 50 個まで指定できます。",
        ],
    ),
    (
        "invalid_networks",
        [
            "Name at most 50 networks, such as 192.0.2.0/24.",
            "最多填写 50 个网段，例如 192.0.2.0/24。",
            "ネットワークは 192.0.2.0/24 のように 50 個まで指定できます。",
        ],
    ),
    (
        "invalid_amount",
        [
            "An amount is decimal dollars as a text, such as \"5.00\".",
            "金额须为美元小数文本，例如 \"5.00\"。",
            "金額は \"5.00\" のようなドルの小数の文字列です。",
        ],
    ),
    (
        "auto_recharge_unavailable",
        [
            "Automatic recharge is not offered here.",
            "此处不提供自动充值。",
            "自動チャージはここでは提供していません。",
        ],
    ),
    (
        "no_saved_card",
        [
            "No card is kept. Top up once and let the card be kept, then come back.",
            "尚未保存银行卡。请先充值一次并选择保存银行卡，然后再试。",
            "保存済みのカードがありません。カードを保存する設定で一度チャージしてから、もう一度お試しください。",
        ],
    ),
    (
        "invalid_threshold",
        [
            "A threshold is above zero and at most the largest top-up.",
            "提醒金额须大于零，且不超过单次充值上限。",
            "しきい値は 0 より大きく、1 回のチャージの上限以下にしてください。",
        ],
    ),
    (
        "invalid_monthly_max",
        [
            "The most per month is at least the amount of one recharge.",
            "每月上限不能低于一次充值的金额。",
            "月の上限は 1 回のチャージ額以上にしてください。",
        ],
    ),
    (
        "invalid_overlap",
        ["The overlap is at most seven days.", "重叠时间最长为七天。", "重複期間は最長 7 日です。"],
    ),
    (
        "invalid_moment",
        [
            "A moment is written like 2026-12-31T23:59:59Z and lies ahead.",
            "时间须形如 2026-12-31T23:59:59Z 且在未来。",
            "日時は 2026-12-31T23:59:59Z の形式で、未来の時点です。",
        ],
    ),
    (
        "invalid_time_zone",
        [
            "A time zone is named like Asia/Shanghai.",
            "时区名称形如 Asia/Shanghai。",
            "タイムゾーンは Asia/Shanghai のような名前です。",
        ],
    ),
    (
        "invalid_range",
        [
            "A range goes from a day or moment to a later one, at most 90 days: logs are kept that long.",
            "时间范围须从一个日期或时刻到更晚的日期或时刻，最长 90 天，即日志的保存期限。",
            "期間は日付または日時からそれより後までで、最長 90 日です（ログの保存期間）。",
        ],
    ),
    (
        "invalid_bucket",
        [
            "A bucket is auto, quarter (up to a day), hour (up to seven days), day or month.",
            "时间粒度为 auto、quarter（最长一天）、hour（最长七天）、day 或 month。",
            "区間は auto、quarter（1 日まで）、hour（7 日まで）、day、month のいずれかです。",
        ],
    ),
    (
        "invalid_filter",
        ["Nothing is called that here.", "没有这样的筛选值。", "そのような絞り込みの値はありません。"],
    ),
    (
        "invalid_group",
        [
            "Groups are by model, key, provider, endpoint or status.",
            "可按 model、key、provider、endpoint 或 status 分组。",
            "グループは model、key、provider、endpoint、status のいずれかです。",
        ],
    ),
    (
        "invalid_top",
        [
            "Between 1 and 20 groups are shown.",
            "可显示 1 到 20 个分组。",
            "表示できるグループは 1 から 20 個です。",
        ],
    ),
    (
        "invalid_file_format",
        [
            "A file is csv or ndjson.",
            "文件格式为 csv 或 ndjson。",
            "ファイルの形式は csv または ndjson です。",
        ],
    ),
    (
        "invalid_latency",
        [
            "A latency is a whole number of milliseconds.",
            "延迟须为整数毫秒。",
            "レイテンシは整数のミリ秒です。",
        ],
    ),
    (
        "rate_limit_exceeded",
        [
            "Too many attempts. Wait a little.",
            "尝试次数过多，请稍候。",
            "試行回数が多すぎます。しばらくお待ちください。",
        ],
    ),
    (
        "conflict",
        [
            "This was changed meanwhile. Try again.",
            "内容已被更改，请重试。",
            "その間に変更されました。もう一度お試しください。",
        ],
    ),
    (
        "service_unavailable",
        [
            "Not possible right now. Try again shortly.",
            "暂时无法处理，请稍后重试。",
            "現在処理できません。しばらくして再試行してください。",
        ],
    ),
    (
        "payments_unavailable",
        ["Credit is not sold here.", "此处未开通充值。", "ここではチャージできません。"],
    ),
    (
        "too_many_failed_payments",
        [
            "Too many payments were refused. Wait before you try again.",
            "付款被拒次数过多，请稍后再试。",
            "支払いが何度も拒否されました。しばらく待ってからもう一度お試しください。",
        ],
    ),
    (
        "newcomer_maximum",
        [
            "This is more than a new account may buy in its first day.",
            "超出新账户首日可充值的金额。",
            "新しいアカウントが初日にチャージできる金額を超えています。",
        ],
    ),
    (
        "invalid_format",
        ["The format is json or csv.", "格式只能是 json 或 csv。", "形式は json か csv です。"],
    ),
    (
        "reason_required",
        [
            "Say why: the reason is kept in the audit log.",
            "请说明原因，原因会记入审计日志。",
            "理由を記入してください。理由は監査ログに残ります。",
        ],
    ),
    (
        "invalid_reason",
        [
            "A reason is one line of 3 to 200 characters.",
            "原因须为一行，3 至 200 个字符。",
            "理由は 3～200 文字の 1 行です。",
        ],
    ),
    (
        "idempotency_key_required",
        [
            "Send an Idempotency-Key, so that credit is granted once.",
            "请提供 Idempotency-Key，以免重复发放额度。",
            "クレジットの二重付与を防ぐため、Idempotency-Key を送ってください。",
        ],
    ),
    (
        "invalid_head",
        [
            "Give the head as an earlier check printed it.",
            "请按之前校验输出的形式填写 head。",
            "head は以前の検証で表示された形で指定してください。",
        ],
    ),
    (
        "own_account",
        [
            "An operator does not do this for the own account. Ask another operator.",
            "运营人员不能对自己的账户执行此操作，请由其他运营人员处理。",
            "運営担当者は自分のアカウントに対してこの操作を行えません。別の担当者に依頼してください。",
        ],
    ),
    (
        "refund_not_left",
        [
            "So much was not paid, or is not left. `aiduet billing refund --dry-run` tells how much is.",
            "已付款且未使用的余额不足。可用 `aiduet billing refund --dry-run` 查看可退金额。",
            "お支払い済みで未使用の残高が足りません。`aiduet billing refund --dry-run` で返金できる額を確認できます。",
        ],
    ),
    (
        "refund_under_way",
        [
            "Another refund of this account is under way. Wait until it is done.",
            "该账户的另一笔退款正在处理，请等待其完成。",
            "このアカウントの別の返金を処理しています。完了までお待ちください。",
        ],
    ),
    (
        "second_operator_required",
        [
            "Another operator must grant what you asked for.",
            "您提出的申请须由另一位运营人员批准。",
            "あなたの申請は、別の運営担当者が承認する必要があります。",
        ],
    ),
    (
        "approval_decided",
        [
            "This was decided already, or lapsed after seven days.",
            "该申请已有结论，或已超过七天失效。",
            "この申請はすでに決裁済みか、7 日が過ぎて失効しています。",
        ],
    ),
    (
        "job_running",
        [
            "Another process does this just now. Try again in a minute.",
            "另一进程正在执行此任务，请稍后再试。",
            "別のプロセスが実行中です。しばらくしてからお試しください。",
        ],
    ),
    (
        "policy_too_soon",
        [
            "People must be told 30 days before this comes into force.",
            "须在生效前 30 天告知用户。",
            "施行の 30 日前までに利用者に知らせる必要があります。",
        ],
    ),
    (
        "policy_published",
        [
            "This version was published with another text. A new text is a new version.",
            "该版本已以不同文本发布，新文本须使用新版本。",
            "この版は別の文面で公開済みです。新しい文面は新しい版にしてください。",
        ],
    ),
    (
        "invalid_price_sheet",
        [
            "The sheet of prices cannot be used; `detail` says why.",
            "价目表无效，原因见 `detail`。",
            "料金表が無効です。理由は `detail` をご覧ください。",
        ],
    ),
    (
        "price_day_over",
        ["The day of the sheet is over.", "价目表的日期已过。", "料金表の日付が過ぎています。"],
    ),
    (
        "price_version_exists",
        [
            "There is a sheet of this day or a later one. A new sheet needs a later day.",
            "已有同日或更晚的价目表，新价目表须使用更晚的日期。",
            "同日以降の料金表がすでにあります。新しい料金表にはより遅い日付が必要です。",
        ],
    ),
    (
        "price_too_soon",
        [
            "People must be told 30 days before a price rises or a model goes.",
            "涨价或下架模型须提前 30 天告知用户。",
            "値上げやモデルの終了は 30 日前までに利用者に知らせる必要があります。",
        ],
    ),
    (
        "price_model_needed",
        [
            "The duet of this gateway chooses among models that the sheet does not have.",
            "价目表缺少本网关的 duet 所选用的模型。",
            "このゲートウェイの duet が選ぶモデルが料金表にありません。",
        ],
    ),
    (
        "price_sheet_changed",
        [
            "The sheet is not the one that `sha256` names. Read it again.",
            "价目表与 `sha256` 不符，请重新查看。",
            "料金表が `sha256` と一致しません。もう一度ご確認ください。",
        ],
    ),
    (
        "price_overtaken",
        [
            "Another sheet was published or withdrawn meanwhile. Look again.",
            "期间有其他价目表被发布或撤回，请重新查看。",
            "その間に別の料金表が公開または取り下げられました。もう一度ご確認ください。",
        ],
    ),
    (
        "price_not_published",
        ["This sheet was not published.", "该价目表尚未发布。", "この料金表は公開されていません。"],
    ),
    (
        "price_not_last",
        [
            "Only the sheet that was published last can be withdrawn.",
            "只能撤回最后发布的价目表。",
            "取り下げられるのは最後に公開した料金表だけです。",
        ],
    ),
    (
        "price_in_force",
        [
            "The sheet is in force, or will be within a minute.",
            "该价目表已生效或将在一分钟内生效。",
            "この料金表はすでに適用されているか、1 分以内に適用されます。",
        ],
    ),
    (
        "invalid_digest",
        [
            "Give the SHA-256 of the sheet: 64 digits in hexadecimal.",
            "请提供价目表的 SHA-256：64 位十六进制数。",
            "料金表の SHA-256 を 16 進数 64 桁で指定してください。",
        ],
    ),
    (
        "account_closed",
        [
            "The account was closed by its owner.",
            "该账户已由其所有者关闭。",
            "このアカウントは所有者によって閉鎖されています。",
        ],
    ),
    (
        "internal_error",
        [
            "Something went wrong here. Tell us the request id.",
            "服务器出错，请告知我们请求编号。",
            "サーバーでエラーが発生しました。リクエスト ID をお知らせください。",
        ],
    ),
];

/// The title of a code; the code itself when it has none, which a test rules out.
pub(super) fn title(code: &'static str, locale: Locale) -> &'static str {
    let found = TITLES.iter().find(|(known, _titles)| *known == code);
    let Some((_known, [en, zh, ja])) = found else { return code };
    match locale {
        Locale::En => en,
        Locale::ZhCn => zh,
        Locale::Ja => ja,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes stand in the sources of this directory as texts; each has a title.
    #[test]
    fn every_code_has_a_title() {
        let sources = [
            include_str!("problem.rs"),
            include_str!("me.rs"),
            include_str!("consents.rs"),
            include_str!("auth.rs"),
            include_str!("keys.rs"),
            include_str!("extract.rs"),
            include_str!("billing/mod.rs"),
            include_str!("billing/alerts.rs"),
            include_str!("billing/limits.rs"),
            include_str!("billing/recharge.rs"),
            include_str!("usage_query.rs"),
            include_str!("usage.rs"),
            include_str!("overview.rs"),
            include_str!("admin/acts.rs"),
            include_str!("admin/policies.rs"),
            include_str!("admin/prices.rs"),
        ];
        let fields = sources.iter().flat_map(|text| text.split("Problem::field(").skip(1));
        let codes = fields.filter_map(|rest| rest.split('"').nth(3));
        let whole =
            sources[0].split("Self::new(StatusCode::").skip(1).filter_map(|rest| rest.split('"').nth(1));
        let mut found = 0;
        for code in codes.chain(whole) {
            found += 1;
            assert!(TITLES.iter().any(|(known, _)| *known == code), "{code}");
        }
        assert!(found > 15, "{found}");
    }

    #[test]
    fn no_title_is_missing_or_given_twice() {
        for (index, (code, titles)) in TITLES.iter().enumerate() {
            assert!(titles.iter().all(|title| !title.is_empty()), "{code}");
            assert!(TITLES.iter().skip(index + 1).all(|(other, _)| other != code), "{code}");
        }
    }
}
