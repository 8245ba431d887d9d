//! The file that is read first, in every language that people have here.

use crate::account::{Account, Locale};

const ENGLISH: &str = "\
AI Duet: everything that is kept about you

manifest.json names every file, with its rows and its SHA-256. inventory.json says what is kept, what for,
for how long and where, also what has no file here: one-time links and counters of wrong passwords, of which
only hashes and numbers are kept. Passwords and API keys are not in the archive: only hashes of them are kept.

CSV files are UTF-8 and open in spreadsheets; a text that would begin a formula there has an apostrophe before
it. NDJSON files have one JSON object per line. Amounts are in USD, and in nano-USD (10^-9 USD) as whole
numbers beside them. Moments are in UTC. What the members mean is in the OpenAPI document at /openapi.json.

What you sent to models and what they answered is not here, since it is never kept.
";

const CHINESE: &str = "\
AI Duet：我们保存的关于您的全部数据

manifest.json 列出每个文件及其行数和 SHA-256。inventory.json 说明保存了什么、用途、期限和位置，也包括此处没有
单独文件的数据：一次性链接和密码错误计数，它们只以哈希值和数字的形式保存。存档中没有密码和 API 密钥：我们只保存
它们的哈希值。

CSV 文件为 UTF-8 编码，可用电子表格打开；可能被当作公式的文本前加有撇号。NDJSON 文件每行一个 JSON 对象。金额以
美元表示，旁边另有以纳美元（10^-9 美元）表示的整数。时间为 UTC。各字段的含义见 /openapi.json 的 OpenAPI 文档。

您发送给模型的内容及其回答不在其中，因为它们从不被保存。
";

const JAPANESE: &str = "\
AI Duet：お客様について保存しているすべてのデータ

manifest.json に各ファイルの名前、行数、SHA-256 があります。inventory.json には、何を、何のために、いつまで、
どこに保存しているかがあります。ここにファイルのないもの（一度だけ使えるリンクとパスワードの誤りの回数。ハッシュと
数だけを保存しています）も含みます。パスワードと API キーはアーカイブにありません。ハッシュだけを保存しています。

CSV ファイルは UTF-8 で、表計算ソフトで開けます。数式とみなされるおそれのある文字列にはアポストロフィを付けています。
NDJSON ファイルは 1 行に 1 つの JSON オブジェクトです。金額は米ドルで、隣にナノ米ドル（10^-9 米ドル）の整数が
あります。日時は UTC です。各項目の意味は /openapi.json の OpenAPI 文書にあります。

モデルに送った内容とその回答は、保存していないためここにはありません。
";

/// The languages, that of the person first.
pub(super) fn text(account: &Account) -> String {
    let texts = match account.locale {
        Locale::En => [ENGLISH, CHINESE, JAPANESE],
        Locale::ZhCn => [CHINESE, ENGLISH, JAPANESE],
        Locale::Ja => [JAPANESE, ENGLISH, CHINESE],
    };
    texts.join("\n----\n\n")
}
