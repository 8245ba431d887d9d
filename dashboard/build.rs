//! Builds the dashboard with npm and esbuild, in `OUT_DIR` alone: the sources are copied there, so
//! that the result depends on nothing but them and the lock file, and the checkout stays as it is.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// What the build reads.
const SOURCES: [&str; 5] = ["build.mjs", "package.json", "package-lock.json", "src", "locales"];
/// The oldest Node.js that builds it.
const NODE_MIN: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    // Asked when it runs: a build script may come from the cache of another checkout.
    let source = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    for name in SOURCES {
        say(&format!("rerun-if-changed={name}"))?;
    }
    let code = match build(&source, &out.join("stage"))? {
        Built::Bundle(files) => bundle(&files)?,
        Built::Nothing(why) => {
            say(&format!("warning=built without the dashboard: {why}"))?;
            "None".to_owned()
        }
    };
    fs::write(out.join("bundle.rs"), code)?;
    Ok(())
}

enum Built {
    /// The directory with the files.
    Bundle(PathBuf),
    /// Why there is none.
    Nothing(String),
}

fn build(source: &Path, stage: &Path) -> Result<Built, Box<dyn Error>> {
    match node_version() {
        Some(version) if version >= NODE_MIN => {}
        Some(version) => {
            return Ok(Built::Nothing(format!("Node.js {version} is older than {NODE_MIN}")));
        }
        None => return Ok(Built::Nothing("Node.js was not found".to_owned())),
    }
    fs::create_dir_all(stage)?;
    let installed = stage.join("installed.json");
    let lock = fs::read(source.join("package-lock.json"))?;
    for name in SOURCES {
        replace(&source.join(name), &stage.join(name))?;
    }
    if fs::read(&installed).ok().as_ref() != Some(&lock) {
        if !install(stage) {
            return Ok(Built::Nothing("npm could not install its packages".to_owned()));
        }
        fs::write(&installed, &lock)?;
    }
    let built = Command::new("node").arg("build.mjs").current_dir(stage).status()?;
    if built.success() {
        Ok(Built::Bundle(stage.join("dist")))
    } else {
        Err("the dashboard does not build: see the messages of esbuild above".into())
    }
}

fn node_version() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Exactly the packages of the lock file, without running anything that they bring.
fn install(stage: &Path) -> bool {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let options = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    Command::new(npm).args(options).current_dir(stage).status().is_ok_and(|status| status.success())
}

/// Copies a file or a directory over what was there.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            replace(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::copy(from, to).map(|_bytes| ())
}

/// An expression of the type `Option<Bundle>`.
fn bundle(files: &Path) -> Result<String, Box<dyn Error>> {
    let path = |name: &str| files.join(name).display().to_string();
    let from = "aiduet_core::http::dashboard";
    let mut code = format!("Some({from}::Bundle {{ shell: include_str!({:?}), files: &[", path("index.html"));
    let manifest = fs::read_to_string(files.join("manifest.tsv"))?;
    for line in manifest.lines() {
        let (name, media_type) = line.split_once('\t').ok_or("a line of the manifest without a type")?;
        let [plain, gzip, brotli] = ["", ".gz", ".br"].map(|end| path(&format!("{name}{end}")));
        write!(
            code,
            "{from}::File {{ name: {name:?}, media_type: {media_type:?}, plain: include_bytes!({plain:?}), \
             gzip: include_bytes!({gzip:?}), brotli: include_bytes!({brotli:?}) }},"
        )?;
    }
    code.push_str("] })");
    Ok(code)
}

/// Tells cargo something.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "cargo::{text}")
}
