//! Japanese.

use super::{Action, Label, Language, Note, Reason};
use crate::notify::{Notice, PolicyKind, SpendSpan};

pub(super) struct Japanese;

const fn policy(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Privacy => "プライバシーポリシー",
        PolicyKind::Terms => "利用規約",
    }
}

const MODELS_GO: &str = "一部のモデルの提供を終了します。ほかのモデルの料金も変わることがあります。表示の日時より前のリクエストには現在の料金で応答します。";
const PRICES_CHANGE: &str =
    "一部のモデルの料金を改定します。表示の日時より前のリクエストには現在の料金が適用されます。";
const WITHDRAWN: &str = "表示の日時からモデルまたは料金を変更するとお知らせしていましたが、この変更は取りやめとなり、適用されません。";
const TO_CONFIRM: &str = "残高が少なくなったため、ご同意のとおり自動チャージを試みましたが、銀行がご本人の確認を求めています。請求のページを開いて確認してください。確認されるまで請求は行われません。";
const LEAKED: &str = "API キーの一つが第三者に読める場所で見つかったため、ただちに無効にしました。新しいキーを作成し、公開された場所から古いキーを取り除いてください。";
const UNFUNDED: &str = "利用可能な残高が足りないため、リクエストが拒否されました。残高が足りるまで、同様のリクエストは拒否されます。請求のページでチャージするか、自動チャージをオンにしてください。自動チャージでは、残高がなくなる前にカードに請求されます。このメールをお送りするのは 24 時間に 1 回までです。";
const STOPPED: &str = "残高が少なくなったため、ご同意のとおり自動チャージを試みましたが、カードが拒否されました。再試行はしません。自動チャージは停止し、請求は行われていません。手動でチャージするか、カードを確認してからもう一度オンにしてください。";
const CARD_GONE: &str = "自動チャージに選ばれたカードは、決済事業者に保存されなくなりました。そのため自動チャージは停止し、請求は行われません。手動でチャージし、その際にカードを保存すれば、もう一度オンにできます。";

const fn spending(span: SpendSpan, step: u8) -> &'static str {
    match (span, step) {
        (SpendSpan::Day, _) => {
            "本日（UTC）の利用額が、設定した通知の金額に達しました。このメールはお知らせのみで、何も停止しません。"
        }
        (SpendSpan::Month, 100..) => {
            "今月（UTC）の利用額が、月間予算に達しました。このメールはお知らせのみで、何も停止しません。"
        }
        (SpendSpan::Month, _) => {
            "今月（UTC）の利用額が、月間予算の一定の割合に達しました。このメールはお知らせのみで、何も停止しません。"
        }
    }
}

impl Language for Japanese {
    fn subject(&self, notice: &Notice, name: &str) -> String {
        let text = match notice {
            Notice::VerifyEmail { .. } => "メールアドレスの確認",
            Notice::AlreadyRegistered { .. } => "アカウントは登録済みです",
            Notice::ResetPassword { .. } => "新しいパスワードの設定",
            Notice::PasswordChanged { .. } => "パスワードが変更されました",
            Notice::PasswordLocked { .. } => "パスワードでのサインインを停止しました",
            Notice::ConfirmEmail { .. } => "新しいメールアドレスの確認",
            Notice::EmailChanged { .. } => "メールアドレスが変更されました",
            Notice::GoogleLinked { .. } => "Google でのサインインが追加されました",
            Notice::GoogleUnlinked { .. } => "Google でのサインインが解除されました",
            Notice::NewSignIn { .. } => "新しいサインインがありました",
            Notice::SessionsRevoked { .. } => "安全のためサインアウトしました",
            Notice::KeyCreated { .. } => "API キーが作成されました",
            Notice::KeyRotated { .. } => "API キーが更新されました",
            Notice::KeyDeleted { .. } => "API キーが削除されました",
            Notice::KeyLeaked { .. } => "公開された API キーを無効にしました",
            Notice::KeyExpiring { .. } => "API キーの有効期限が近づいています",
            Notice::SpendAlert { span: SpendSpan::Day, .. } => "本日の利用額が通知の金額に達しました",
            Notice::SpendAlert { span: SpendSpan::Month, step, .. } => {
                return format!("{name}: 今月の予算の {step}% を利用しました");
            }
            Notice::LowBalance { .. } => "残高が少なくなっています",
            Notice::BalanceEmpty { .. } => "残高不足のためリクエストが拒否されました",
            Notice::TopUpReceipt { .. } => "チャージの領収書",
            Notice::RechargeToConfirm { .. } => "自動チャージの確認が必要です",
            Notice::RechargeStopped { .. } | Notice::CardGone { .. } => "自動チャージを停止しました",
            Notice::RefundReceipt { .. } => "返金のお知らせ",
            Notice::PolicyChange { policy: kind, .. } => {
                return format!("{name}: {}の変更について", policy(*kind));
            }
            Notice::PriceChange { withdrawn, .. } if !withdrawn.is_empty() => "モデルと料金の変更のお知らせ",
            Notice::PriceChange { .. } => "料金改定のお知らせ",
            Notice::PriceChangeWithdrawn { .. } => "お知らせした料金改定は行われません",
            Notice::ExportReady { .. } => "データのアーカイブができました",
            Notice::DeletionStarted { .. } => "アカウントは削除されます",
            Notice::DeletionCancelled { .. } => "アカウントの削除を取り消しました",
            Notice::DeletionDone { .. } => "アカウントを削除しました",
        };
        format!("{name}: {text}")
    }

    fn body(&self, notice: &Notice) -> &'static str {
        match notice {
            Notice::VerifyEmail { .. } => {
                "このメールアドレスでアカウントの登録が行われました。お心当たりがあれば、アドレスを確認して登録を完了してください。リンクは一度だけ使えます。"
            }
            Notice::AlreadyRegistered { .. } => {
                "このメールアドレスでアカウントの登録が試みられましたが、すでに登録済みです。ご本人であればサインインするか、パスワードをお忘れの場合は再設定してください。"
            }
            Notice::ResetPassword { .. } => {
                "アカウントの新しいパスワードの設定が求められました。リンクは一度だけ使えます。"
            }
            Notice::PasswordChanged { .. } => {
                "アカウントのパスワードが変更され、ほかのセッションはすべて終了しました。"
            }
            Notice::PasswordLocked { .. } => {
                "誤ったパスワードが非常に多く入力されたため、新しいパスワードを設定するまでパスワードでのサインインを停止しました。API キーは引き続き使えます。"
            }
            Notice::ConfirmEmail { .. } => {
                "このアドレスがアカウントの新しいメールアドレスになります。確認すると変更されます。リンクは一度だけ使えます。"
            }
            Notice::EmailChanged { .. } => {
                "アカウントのメールアドレスが変更されました。お心当たりがない場合は、表示の時刻までに下のリンクから取り消してください。"
            }
            Notice::GoogleLinked { .. } => "お使いの Google アカウントでもサインインできるようになりました。",
            Notice::GoogleUnlinked { .. } => {
                "お使いの Google アカウントではサインインできなくなりました。ほかのセッションはすべて終了しました。"
            }
            Notice::NewSignIn { .. } => {
                "これまでに使われたことのない端末またはブラウザーからサインインがありました。"
            }
            Notice::SessionsRevoked { .. } => {
                "サインインの情報が二度使われました。複製された可能性があるため、すべての端末で終了しました。もう一度サインインし、セッションを確認してください。"
            }
            Notice::KeyCreated { .. } => "新しい API キーが残高を使えるようになりました。",
            Notice::KeyRotated { .. } => "API キーの後継が作成されました。古いキーは表示の時刻に停止します。",
            Notice::KeyDeleted { .. } => "API キーが削除され、使えなくなりました。",
            Notice::KeyLeaked { .. } => LEAKED,
            Notice::KeyExpiring { .. } => {
                "API キーの一つが表示の時刻に停止します。プログラムが止まらないよう、それまでに交換してください。"
            }
            Notice::SpendAlert { span, step, .. } => spending(*span, *step),
            Notice::LowBalance { .. } => {
                "利用可能な残高が設定した金額を下回りました。残高がなくなるとリクエストは拒否されます。このメールはお知らせのみで、何も停止しません。"
            }
            Notice::BalanceEmpty { .. } => UNFUNDED,
            Notice::TopUpReceipt { .. } => "ありがとうございます。お支払いを確認し、残高に追加しました。",
            Notice::RechargeToConfirm { .. } => TO_CONFIRM,
            Notice::RechargeStopped { .. } => STOPPED,
            Notice::CardGone { .. } => CARD_GONE,
            Notice::RefundReceipt { .. } => {
                "元のお支払い方法に返金しました。届くまで数日かかることがあります。"
            }
            Notice::PolicyChange { .. } => {
                "全文と変更点はページでご覧いただけます。同意されない場合は、それまでにアカウントを削除できます。"
            }
            Notice::PriceChange { withdrawn, .. } if !withdrawn.is_empty() => MODELS_GO,
            Notice::PriceChange { .. } => PRICES_CHANGE,
            Notice::PriceChangeWithdrawn { .. } => WITHDRAWN,
            Notice::ExportReady { .. } => {
                "データのアーカイブができました。表示の日時までに、ログインして一度だけダウンロードできます。アーカイブはダウンロードの際に作成され、どこにも保存されません。"
            }
            Notice::DeletionStarted { .. } => {
                "ご依頼のとおり、アカウントを削除します。API キーは停止し、すべてのセッションは終了しました。表示の日時までは取り消せます。その後データは消去され、法律で求められる帳簿の記録だけが氏名などを除いて法定の期間保存されます。"
            }
            Notice::DeletionCancelled { .. } => {
                "アカウントの削除を取り消しました。API キーは有効にするまで停止したままです。"
            }
            Notice::DeletionDone { .. } => {
                "アカウントを削除し、データを消去しました。法律で求められる帳簿の記録だけが氏名などを除いて法定の期間保存されます。このアドレスへのメールはこれが最後です。"
            }
        }
    }

    fn policy_change(&self, kind: PolicyKind) -> String {
        format!("{}を変更します。要点は次のとおりです。", policy(kind))
    }

    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::When => "日時",
            Label::WorksUntil => "有効期限",
            Label::Key => "API キー",
            Label::FoundAt => "発見場所",
            Label::Device => "端末",
            Label::Network => "ネットワーク",
            Label::NewAddress => "新しいアドレス",
            Label::Available => "利用可能な残高",
            Label::Needed => "リクエストに必要な額",
            Label::Spent => "利用額",
            Label::DailyAlert => "一日の通知金額",
            Label::Budget => "月間予算",
            Label::Threshold => "設定した金額",
            Label::Charge => "請求額",
            Label::Credited => "追加額",
            Label::Tax => "税額",
            Label::Refunded => "返金額",
            Label::Receipt => "受付番号",
            Label::Version => "版",
            Label::EffectiveFrom => "適用開始",
            Label::AnnouncedFor => "予定されていた適用開始",
            Label::Raised => "値上げ",
            Label::Lowered => "値下げ",
            Label::Withdrawn => "提供終了",
            Label::ErasedOn => "消去日時",
        }
    }

    fn action(&self, action: Action) -> &'static str {
        match action {
            Action::ConfirmAddress => "アドレスを確認",
            Action::SignIn => "サインイン",
            Action::SetPassword => "新しいパスワードを設定",
            Action::AskReset => "パスワードを再設定",
            Action::UndoChange => "変更を取り消す",
            Action::ReviewSecurity => "セッションを確認",
            Action::OpenKeys => "API キーを開く",
            Action::TopUp => "チャージ",
            Action::ConfirmCharge => "請求を確認",
            Action::OpenBilling => "請求を開く",
            Action::ReadPolicy => "全文を読む",
            Action::SeePrices => "料金を見る",
            Action::Download => "ダウンロード",
            Action::KeepAccount => "アカウントを残す",
        }
    }

    fn note(&self, note: Note) -> &'static str {
        match note {
            Note::IgnoreIt => {
                "お心当たりがない場合は、このメールを無視してください。リンクを開かなければ何も起こりません。"
            }
            Note::NotYou => {
                "お心当たりがない場合は、すぐに新しいパスワードを設定し、すべてのセッションを終了してください。"
            }
            Note::NotYourKey => {
                "お心当たりがない場合は、キーを削除し、新しいパスワードを設定して、すべてのセッションを終了してください。"
            }
        }
    }

    fn reason(&self, reason: Reason, name: &str) -> String {
        let why = match reason {
            Reason::AddressEntered => "このアドレスが入力されたため",
            Reason::Security => "アカウントの安全に関わるため（停止できません）",
            Reason::Key => "API キーに関わるため（停止できません）",
            Reason::Chosen => "通知の設定により（設定で停止できます）",
            Reason::Payment => "アカウントに関わる入出金があったため",
            Reason::Terms => "アカウントをお持ちのため（停止できません）",
            Reason::Asked => "ご依頼により",
        };
        format!("このメールは、{why}、{name} からお送りしています。")
    }

    fn signature(&self, name: &str, url: &str) -> String {
        format!("{name} · {url} · このメールには返信できません。")
    }

    fn comma(&self) -> &'static str {
        "、"
    }
}
