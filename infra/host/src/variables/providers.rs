//! Who gives variables a value: the command line, files, the environment. Stock Spin's Vault and Azure providers
//! are refused by [`crate::runtime_config`].

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, bail};

/// The prefix of environment variables that carry application variables, unless a provider is given another.
pub const ENV_PREFIX: &str = "SPIN_VARIABLE";

/// One source of values.
#[derive(Debug)]
pub enum Provider {
    /// Values known outright: the command line, or `type = "static"`.
    Static(HashMap<String, String>),
    /// `<PREFIX>_<NAME>` from the process's environment, then from the dotenv file's entries.
    Environment {
        /// Without the underscore that joins it to the name.
        prefix: String,
        /// What the `.env` file says.
        dotenv: HashMap<String, String>,
    },
}

impl Provider {
    /// The environment provider with the entries of `dotenv_path`, if that file exists.
    ///
    /// # Errors
    /// The file exists and cannot be parsed.
    pub fn environment(prefix: Option<String>, dotenv_path: Option<&Path>) -> anyhow::Result<Self> {
        let dotenv = match dotenv_path.filter(|path| path.exists()) {
            Some(path) => dotenvy::from_path_iter(path)
                .and_then(Iterator::collect)
                .with_context(|| format!("cannot read {}", path.display()))?,
            None => HashMap::new(),
        };
        Ok(Self::Environment { prefix: prefix.unwrap_or_else(|| ENV_PREFIX.into()), dotenv })
    }

    /// The value of the variable `name`, if this provider has one.
    ///
    /// # Errors
    /// The environment's value is not UTF-8.
    pub fn get(&self, name: &str) -> anyhow::Result<Option<String>> {
        match self {
            Self::Static(values) => Ok(values.get(name).cloned()),
            Self::Environment { prefix, dotenv } => {
                let key = format!("{prefix}_{}", name.to_ascii_uppercase());
                match std::env::var(&key) {
                    Ok(value) => Ok(Some(value)),
                    Err(std::env::VarError::NotPresent) => Ok(dotenv.get(&key).cloned()),
                    Err(error) => Err(error).with_context(|| format!("failed to resolve env var {key}")),
                }
            }
        }
    }
}

/// One `--variable`.
#[derive(Clone, Debug)]
pub enum VariableSource {
    /// `key=value`.
    Literal(String, String),
    /// `key=@file`: the file's whole content.
    FileContent(String, PathBuf),
    /// `@file.json`: a map of names to strings.
    Json(PathBuf),
    /// `@file.toml`: a map of names to strings.
    Toml(PathBuf),
}

impl FromStr for VariableSource {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix('@') {
            let path = PathBuf::from(path);
            return match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => Ok(Self::Json(path)),
                Some("toml") => Ok(Self::Toml(path)),
                _ => bail!("variable files must end in .json or .toml"),
            };
        }
        let Some((key, value)) = text.split_once('=') else {
            bail!("variables must be in the form 'key=value' or '@file'");
        };
        Ok(match value.strip_prefix('@') {
            Some(path) => Self::FileContent(key.into(), path.into()),
            None => Self::Literal(key.into(), value.into()),
        })
    }
}

/// The provider of all `--variable` flags; the last value of a name wins.
///
/// # Errors
/// A named file cannot be read or parsed.
pub fn from_command_line(sources: &[VariableSource]) -> anyhow::Result<Provider> {
    let mut values = HashMap::new();
    for source in sources {
        match source {
            VariableSource::Literal(key, value) => drop(values.insert(key.clone(), value.clone())),
            VariableSource::FileContent(key, path) => drop(values.insert(key.clone(), read(path)?)),
            VariableSource::Json(path) => {
                let map: HashMap<String, String> =
                    serde_json::from_str(&read(path)?).with_context(|| format!("cannot parse {}", path.display()))?;
                values.extend(map);
            }
            VariableSource::Toml(path) => {
                let map: HashMap<String, String> =
                    toml::from_str(&read(path)?).with_context(|| format!("cannot parse {}", path.display()))?;
                values.extend(map);
            }
        }
    }
    Ok(Provider::Static(values))
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
