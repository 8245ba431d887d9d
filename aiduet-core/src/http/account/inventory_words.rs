//! What the categories of data are called and kept for, in three languages.

use crate::account::Locale;

/// What a category is called, and what it is for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) purpose: &'static str,
}

/// Code; title and purpose in English, Simplified Chinese, Japanese.
const WORDS: &[(&str, [[&str; 2]; 3])] = &[
    (
        "account",
        [
            [
                "Account",
                "To let you in and to write to you: address, name, language, a hash of the password.",
            ],
            ["账户", "用于登录和联系您：邮箱地址、姓名、语言、密码的哈希值。"],
            ["アカウント", "ログインとご連絡のため：メールアドレス、名前、言語、パスワードのハッシュ。"],
        ],
    ),
    (
        "consents",
        [
            ["Consents", "To prove which version of a policy you agreed to, and when."],
            ["同意记录", "证明您何时同意了政策的哪个版本。"],
            ["同意の記録", "ポリシーのどの版にいつ同意したかを証明するため。"],
        ],
    ),
    (
        "identities",
        [
            [
                "Accounts elsewhere",
                "To let you in with an account that you have elsewhere, such as Google: who vouches, its number for you, since when.",
            ],
            ["其他账户", "用于通过您在别处（如 Google）的账户登录：验证方、您在该处的编号、关联时间。"],
            [
                "外部のアカウント",
                "Google など外部のアカウントでログインするため：確認元、そこでのあなたの番号、連携した日時。",
            ],
        ],
    ),
    (
        "sessions",
        [
            [
                "Sessions",
                "To keep you signed in, and to let you end it: kind of device, network prefix, times.",
            ],
            ["会话", "保持登录状态，并供您随时结束：设备类型、网络前缀、时间。"],
            [
                "セッション",
                "ログイン状態を保ち、終了できるようにするため：端末の種類、ネットワークの一部、日時。",
            ],
        ],
    ),
    (
        "links",
        [
            ["Links in mails", "To recognise a link that was sent to you until it is used or has expired."],
            ["邮件中的链接", "在使用或过期之前识别发给您的链接。"],
            ["メールのリンク", "お送りしたリンクを、使用または期限切れまで確認するため。"],
        ],
    ),
    (
        "sign_in_failures",
        [
            ["Wrong passwords", "To stop guessing: how many in a row, until you sign in."],
            ["密码错误次数", "防止猜测密码：连续错误的次数，登录成功后清除。"],
            ["パスワードの誤り", "推測を防ぐため：連続した回数。ログインすると消えます。"],
        ],
    ),
    (
        "keys",
        [
            [
                "API keys",
                "To recognise them and to keep their limits: a hash, name, limits, what they have spent.",
            ],
            ["API 密钥", "识别密钥并执行其限额：哈希值、名称、限额、已用金额。"],
            ["API キー", "キーの確認と上限の管理のため：ハッシュ、名前、上限、使用額。"],
        ],
    ),
    (
        "key_requests",
        [
            ["Requests to make a key", "So that a request that is sent twice makes one key."],
            ["创建密钥的请求", "避免重复发送的请求创建两个密钥。"],
            ["キー作成のリクエスト", "二度送られたリクエストで二つのキーを作らないため。"],
        ],
    ),
    (
        "usage",
        [
            [
                "Request log",
                "To bill you and to let you check the bill: numbers and names of models, never content.",
            ],
            ["请求日志", "用于计费和供您核对账单：数字和模型名称，绝不包含内容。"],
            ["リクエストの記録", "請求とその確認のため：数値とモデル名だけで、内容は含みません。"],
        ],
    ),
    (
        "usage_sums",
        [
            ["Sums of usage", "For charts: the request log, summed by quarter of an hour."],
            ["用量汇总", "用于图表：按一刻钟汇总的请求日志。"],
            ["使用量の集計", "グラフのため：リクエストの記録を 15 分ごとに集計したもの。"],
        ],
    ),
    (
        "holds",
        [
            ["Funds set aside", "For requests that are running, so that the balance is never overspent."],
            ["预留金额", "为正在进行的请求预留，避免超支。"],
            ["確保中の金額", "実行中のリクエストのため。残高を超えて使われないようにします。"],
        ],
    ),
    (
        "books",
        [
            [
                "The books",
                "Bookkeeping: your balance and what changed it. The postings of single requests are not in the number.",
            ],
            ["账簿", "记账：余额及其变动。单个请求的分录不计入此数量。"],
            ["帳簿", "記帳のため：残高とその増減。個々のリクエストの仕訳は件数に含みません。"],
        ],
    ),
    (
        "purchases",
        [
            [
                "Purchases and refunds",
                "Bookkeeping: amounts, dates and references of payments, never a card.",
            ],
            ["充值与退款", "记账：付款的金额、日期和编号，绝不包含银行卡。"],
            ["チャージと返金", "記帳のため：支払いの金額、日付、参照番号。カード情報は含みません。"],
        ],
    ),
    (
        "declines",
        [
            ["Refused payments", "To stop whoever tries stolen cards: when a payment was refused."],
            ["被拒的付款", "用于阻止试用盗取的银行卡：付款被拒的时间。"],
            ["拒否された支払い", "盗まれたカードを試す行為を防ぐため：支払いが拒否された日時。"],
        ],
    ),
    (
        "payer",
        [
            ["Name at the card company", "To find your cards and invoices there."],
            ["支付公司的客户编号", "用于在支付公司查找您的银行卡和发票。"],
            ["決済会社での識別名", "決済会社でカードと請求書を見つけるため。"],
        ],
    ),
    (
        "billing_choices",
        [
            [
                "Choices about billing",
                "To tell you of a low balance and of your spending, and to buy credit as you agreed.",
            ],
            ["账单设置", "余额不足或消费达到设定金额时通知您，并按您同意的方式充值。"],
            ["請求の設定", "残高の低下や利用額をお知らせし、同意のとおりにチャージするため。"],
        ],
    ),
    (
        "security_log",
        [
            [
                "Security log",
                "To protect the account: sign-ins and changes. The network prefix in it is forgotten after 30 days.",
            ],
            ["安全日志", "保护账户：登录和更改。其中的网络前缀在 30 天后清除。"],
            [
                "セキュリティログ",
                "アカウントの保護のため：ログインと変更。ネットワークの一部は 30 日後に消えます。",
            ],
        ],
    ),
    (
        "messages",
        [
            [
                "Messages to you",
                "That a message was sent; its text and address are erased when it has left. Notices of new policies stay.",
            ],
            ["发给您的消息", "记录消息已发送；发出后即删除正文和地址。政策变更通知的记录会保留。"],
            [
                "お送りしたメッセージ",
                "送信の記録のみ。本文と宛先は送信後に消えます。ポリシー変更の通知の記録は残ります。",
            ],
        ],
    ),
    (
        "exports",
        [
            [
                "Archives of your data",
                "To prove that you were given one when you asked: when, not what was in it.",
            ],
            ["数据存档记录", "证明您索取数据时已提供：仅记录时间，不保存存档内容。"],
            [
                "データのアーカイブの記録",
                "ご請求に応じて提供したことを証明するため：日時だけで、内容は保存しません。",
            ],
        ],
    ),
    (
        "deletions",
        [
            ["Requests for deletion", "To erase the account when you have asked for it, and not before."],
            ["删除申请", "在您申请后按时删除账户，不提前。"],
            ["削除の申請", "申請のとおりの日に、それより早くなくアカウントを消去するため。"],
        ],
    ),
    (
        "payments",
        [
            ["Payments", "At the card company: what a payment and its invoice need."],
            ["付款", "由支付公司保存：付款和发票所需的信息。"],
            ["支払い", "決済会社が保存：支払いと請求書に必要な情報。"],
        ],
    ),
    (
        "backups",
        [
            ["Backups", "Copies of the database, in case it is lost."],
            ["备份", "数据库的副本，以防丢失。"],
            ["バックアップ", "失われた場合に備えたデータベースの写し。"],
        ],
    ),
    (
        "content_at_provider",
        [
            [
                "What you send to a model, at its provider",
                "Providers may keep it for a while to detect abuse, under their own terms.",
            ],
            ["发送给模型的内容（在提供商处）", "提供商可能按其条款保存一段时间，用于发现滥用。"],
            [
                "モデルに送った内容（提供元）",
                "提供元が、不正利用の検知のため自らの規約に従って一定期間保存することがあります。",
            ],
        ],
    ),
    (
        "content",
        [
            ["What you send to a model and what it answers", "Passed on, and never kept here."],
            ["发送给模型的内容及其回答", "仅转发，绝不在此保存。"],
            ["モデルに送った内容とその回答", "中継するだけで、ここには保存しません。"],
        ],
    ),
];

/// The words of a category.
pub(super) fn words(code: &str, locale: Locale) -> Words {
    let Some((_code, [en, zh, ja])) = WORDS.iter().find(|(known, _words)| *known == code) else {
        return Words::default();
    };
    let [title, purpose] = match locale {
        Locale::En => *en,
        Locale::ZhCn => *zh,
        Locale::Ja => *ja,
    };
    Words { title, purpose }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{CATEGORIES, NETWORK_KEPT};

    const LOCALES: [Locale; 3] = [Locale::En, Locale::ZhCn, Locale::Ja];

    #[test]
    fn every_category_has_words_and_no_words_are_left_over() {
        for category in CATEGORIES {
            for locale in LOCALES {
                let Words { title, purpose } = words(category.code, locale);
                assert!(!title.is_empty() && !purpose.is_empty(), "{} in {locale:?}", category.code);
            }
        }
        assert_eq!(WORDS.len(), CATEGORIES.len());
    }

    #[test]
    fn sec_t62_the_network_is_forgotten_when_the_words_say() {
        let days = NETWORK_KEPT.as_secs() / 86_400;
        for locale in LOCALES {
            assert!(words("security_log", locale).purpose.contains(&format!("{days}")), "{locale:?}");
        }
    }
}
