//! Simplified Chinese.

use super::{Action, Label, Language, Note, Reason};
use crate::notify::{Notice, PolicyKind, SpendSpan};

pub(super) struct Chinese;

const fn policy(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Privacy => "隐私政策",
        PolicyKind::Terms => "服务条款",
    }
}

const WITHDRAWN: &str = "我们曾公告模型或价格将自所示日期起调整。该调整已撤回，不会生效。";
const TO_CONFIRM: &str = "您的余额偏低，我们已按您的授权尝试自动充值，但银行需要您本人确认。请打开账单页面确认扣款；在您确认之前不会扣款。";
const UNFUNDED: &str = "由于可用余额不足，一次请求被拒绝；在余额足够之前，类似的请求仍会被拒绝。您可以在账单页面充值，也可以启用自动充值：在余额用尽之前自动从银行卡扣款。此类邮件 24 小时内最多发送一封。";
const STOPPED: &str = "您的余额偏低，我们已按您的授权尝试自动充值，但银行卡被拒绝。我们不会再次尝试：自动充值已关闭，也没有扣款。您可以手动充值，或检查银行卡后重新启用自动充值。";
const CARD_GONE: &str = "您为自动充值选择的银行卡已不再由支付服务商保存，因此自动充值已关闭，不会再扣款。您可以手动充值；若届时保存银行卡，即可重新启用自动充值。";

const fn spending(span: SpendSpan, step: u8) -> &'static str {
    match (span, step) {
        (SpendSpan::Day, _) => {
            "您今日（UTC）的消费已达到您设置的提醒金额。本邮件仅为提醒，不会停止任何请求。"
        }
        (SpendSpan::Month, 100..) => "您本月（UTC）的消费已达到月度预算。本邮件仅为提醒，不会停止任何请求。",
        (SpendSpan::Month, _) => {
            "您本月（UTC）的消费已达到月度预算的一定比例。本邮件仅为提醒，不会停止任何请求。"
        }
    }
}

impl Language for Chinese {
    fn subject(&self, notice: &Notice, name: &str) -> String {
        let text = match notice {
            Notice::VerifyEmail { .. } => "请确认您的邮箱",
            Notice::AlreadyRegistered { .. } => "您已拥有账户",
            Notice::ResetPassword { .. } => "设置新密码",
            Notice::PasswordChanged { .. } => "您的密码已更改",
            Notice::PasswordLocked { .. } => "密码登录已停用",
            Notice::ConfirmEmail { .. } => "请确认您的新邮箱",
            Notice::EmailChanged { .. } => "您的邮箱已更改",
            Notice::GoogleLinked { .. } => "已添加 Google 登录",
            Notice::GoogleUnlinked { .. } => "已移除 Google 登录",
            Notice::NewSignIn { .. } => "您的账户有新的登录",
            Notice::SessionsRevoked { .. } => "为安全起见，您已被退出登录",
            Notice::KeyCreated { .. } => "已创建 API 密钥",
            Notice::KeyRotated { .. } => "API 密钥已更换",
            Notice::KeyDeleted { .. } => "API 密钥已删除",
            Notice::KeyLeaked { .. } => "发现 API 密钥被公开，已停用",
            Notice::KeyExpiring { .. } => "API 密钥即将到期",
            Notice::SpendAlert { span: SpendSpan::Day, .. } => "今日消费已达到提醒金额",
            Notice::SpendAlert { span: SpendSpan::Month, step, .. } => {
                return format!("{name}：本月预算已使用 {step}%");
            }
            Notice::LowBalance { .. } => "余额不足提醒",
            Notice::BalanceEmpty { .. } => "余额不足，请求被拒绝",
            Notice::TopUpReceipt { .. } => "充值收据",
            Notice::RechargeToConfirm { .. } => "请确认自动充值",
            Notice::RechargeStopped { .. } | Notice::CardGone { .. } => "自动充值已关闭",
            Notice::RefundReceipt { .. } => "退款通知",
            Notice::PolicyChange { policy: kind, .. } => return format!("{name}：{}即将变更", policy(*kind)),
            Notice::PriceChange { withdrawn, .. } if !withdrawn.is_empty() => "模型与价格即将调整",
            Notice::PriceChange { .. } => "价格即将调整",
            Notice::PriceChangeWithdrawn { .. } => "已公告的价格调整不再进行",
            Notice::ExportReady { .. } => "您的数据导出已就绪",
            Notice::DeletionStarted { .. } => "您的账户即将删除",
            Notice::DeletionCancelled { .. } => "账户删除已取消",
            Notice::DeletionDone { .. } => "您的账户已删除",
        };
        format!("{name}：{text}")
    }

    fn body(&self, notice: &Notice) -> &'static str {
        match notice {
            Notice::VerifyEmail { .. } => {
                "有人（希望是您本人）使用此邮箱注册了账户。请确认邮箱以完成注册。链接仅可使用一次。"
            }
            Notice::AlreadyRegistered { .. } => {
                "有人尝试使用此邮箱注册，但该邮箱已有账户。如果是您本人，请直接登录；若忘记密码，可设置新密码。"
            }
            Notice::ResetPassword { .. } => {
                "有人（希望是您本人）请求为您的账户设置新密码。链接仅可使用一次。"
            }
            Notice::PasswordChanged { .. } => "您的账户密码已更改，其他登录会话均已结束。",
            Notice::PasswordLocked { .. } => {
                "您的账户出现大量错误密码，密码登录已停用，设置新密码后即可恢复。您的 API 密钥不受影响。"
            }
            Notice::ConfirmEmail { .. } => "此邮箱将成为您账户的邮箱。请确认以完成更改。链接仅可使用一次。",
            Notice::EmailChanged { .. } => {
                "您的账户邮箱已更改。如果不是您本人操作，请通过下方链接撤销，链接在所示时间前有效。"
            }
            Notice::GoogleLinked { .. } => "您的账户现在也可以使用您的 Google 账户登录。",
            Notice::GoogleUnlinked { .. } => "您的账户不再能使用您的 Google 账户登录，其他登录会话均已结束。",
            Notice::NewSignIn { .. } => "您的账户在一台我们未曾见过的设备或浏览器上登录。",
            Notice::SessionsRevoked { .. } => {
                "您的某次登录凭据被重复使用，这通常意味着它已被复制。我们已在所有设备上结束该登录。请重新登录并检查您的会话。"
            }
            Notice::KeyCreated { .. } => "一个新的 API 密钥可以使用您的余额。",
            Notice::KeyRotated { .. } => "一个 API 密钥已有新的替代密钥，旧密钥将在所示时间失效。",
            Notice::KeyDeleted { .. } => "一个 API 密钥已删除，不再有效。",
            Notice::KeyLeaked { .. } => {
                "您的一个 API 密钥出现在他人可读取的位置，我们已立即将其停用。请创建新密钥，并从公开位置移除旧密钥。"
            }
            Notice::KeyExpiring { .. } => "您的一个 API 密钥将在所示时间失效。请提前更换，以免程序中断。",
            Notice::SpendAlert { span, step, .. } => spending(*span, *step),
            Notice::LowBalance { .. } => {
                "您的可用余额已低于您设置的提醒金额。余额用尽后请求将被拒绝。本邮件仅为提醒，不会停止任何请求。"
            }
            Notice::BalanceEmpty { .. } => UNFUNDED,
            Notice::TopUpReceipt { .. } => "感谢您。款项已收到并计入您的余额。",
            Notice::RechargeToConfirm { .. } => TO_CONFIRM,
            Notice::RechargeStopped { .. } => STOPPED,
            Notice::CardGone { .. } => CARD_GONE,
            Notice::RefundReceipt { .. } => "退款已退回至您的原支付方式，到账可能需要数天。",
            Notice::PolicyChange { .. } => "页面上有全文及差异对照。如果您不同意，可在生效前删除账户。",
            Notice::PriceChange { withdrawn, .. } if !withdrawn.is_empty() => {
                "部分模型将停止提供，其他模型的价格可能调整。在所示日期之前的请求仍按现行价格提供服务。"
            }
            Notice::PriceChange { .. } => "部分模型的价格将调整。在所示日期之前的请求按现行价格计费。",
            Notice::PriceChangeWithdrawn { .. } => WITHDRAWN,
            Notice::ExportReady { .. } => {
                "包含您数据的存档已就绪。请在所示时间之前登录并下载，仅限一次。存档在下载时生成，不会另行保存。"
            }
            Notice::DeletionStarted { .. } => {
                "根据您的请求，您的账户即将删除。您的 API 密钥已失效，所有会话均已结束。在所示日期之前您可以改变主意；此后数据将被删除，依法需保留的账目记录将去除身份信息后保存至法定期限。"
            }
            Notice::DeletionCancelled { .. } => "账户删除已取消。API 密钥将保持停用，直至您重新启用。",
            Notice::DeletionDone { .. } => {
                "您的账户已删除，数据已清除。依法需保留的账目记录将去除身份信息后保存至法定期限。这是发往此邮箱的最后一封邮件。"
            }
        }
    }

    fn policy_change(&self, kind: PolicyKind) -> String {
        format!("我们的{}即将变更，概要如下：", policy(kind))
    }

    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::When => "时间",
            Label::WorksUntil => "有效期至",
            Label::Key => "API 密钥",
            Label::FoundAt => "发现位置",
            Label::Device => "设备",
            Label::Network => "网络",
            Label::NewAddress => "新邮箱",
            Label::Available => "可用余额",
            Label::Needed => "该请求所需",
            Label::Spent => "已消费",
            Label::DailyAlert => "每日提醒金额",
            Label::Budget => "月度预算",
            Label::Threshold => "提醒金额",
            Label::Charge => "扣款金额",
            Label::Credited => "入账金额",
            Label::Tax => "税费",
            Label::Refunded => "退款金额",
            Label::Receipt => "凭证号",
            Label::Version => "版本",
            Label::EffectiveFrom => "生效时间",
            Label::AnnouncedFor => "原定生效时间",
            Label::Raised => "价格上调",
            Label::Lowered => "价格下调",
            Label::Withdrawn => "停止提供",
            Label::ErasedOn => "删除时间",
        }
    }

    fn action(&self, action: Action) -> &'static str {
        match action {
            Action::ConfirmAddress => "确认邮箱",
            Action::SignIn => "登录",
            Action::SetPassword => "设置新密码",
            Action::AskReset => "重置密码",
            Action::UndoChange => "撤销更改",
            Action::ReviewSecurity => "查看会话",
            Action::OpenKeys => "管理 API 密钥",
            Action::TopUp => "充值",
            Action::ConfirmCharge => "确认扣款",
            Action::OpenBilling => "查看账单",
            Action::ReadPolicy => "阅读全文",
            Action::SeePrices => "查看价格",
            Action::Download => "下载",
            Action::KeepAccount => "保留我的账户",
        }
    }

    fn note(&self, note: Note) -> &'static str {
        match note {
            Note::IgnoreIt => "如果不是您本人操作，请忽略本邮件：不点击链接就不会发生任何更改。",
            Note::NotYou => "如果不是您本人操作，请立即设置新密码并结束所有会话。",
            Note::NotYourKey => "如果不是您本人操作，请删除该密钥、设置新密码并结束所有会话。",
        }
    }

    fn reason(&self, reason: Reason, name: &str) -> String {
        let why = match reason {
            Reason::AddressEntered => "有人在该处填写了此邮箱",
            Reason::Security => "它关系到您账户的安全，此类邮件无法关闭",
            Reason::Key => "它关系到您的 API 密钥，此类邮件无法关闭",
            Reason::Chosen => "您的通知设置要求如此，您可以在设置中关闭",
            Reason::Payment => "有一笔款项与您的账户有关",
            Reason::Terms => "您拥有账户，此类邮件无法关闭",
            Reason::Asked => "您提出了请求",
        };
        format!("您收到 {name} 的这封邮件，是因为{why}。")
    }

    fn signature(&self, name: &str, url: &str) -> String {
        format!("{name} · {url} · 本邮件由系统发送，请勿直接回复。")
    }

    fn comma(&self) -> &'static str {
        "、"
    }
}
