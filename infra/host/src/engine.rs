//! The engine that compiles and runs components, and the list of imports that it offers them.

use std::path::Path;

use anyhow::{Context as _, bail};
use wasmtime::{
    Cache, CacheConfig, Config, Engine,
    component::{Component, Linker, types::ComponentItem},
};

use crate::{
    bindings::{Imports, SpinImports},
    instance::Host,
};

/// An engine whose compiled components are kept in `cache_dir`, so that the next start takes them from there.
///
/// # Errors
/// The cache folder cannot be used.
pub fn engine(cache_dir: Option<&Path>) -> anyhow::Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model(true).wasm_component_model_async(true);
    if let Some(cache_dir) = cache_dir {
        let mut cache = CacheConfig::new();
        cache.with_directory(std::path::absolute(cache_dir)?);
        config.cache(Some(Cache::new(cache)?));
    }
    Ok(Engine::new(&config)?)
}

/// All imports that a component may have.
///
/// # Errors
/// Never in practice; the bindings would have to contradict each other.
pub fn linker(engine: &Engine) -> anyhow::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    Imports::add_to_linker::<_, SpinImports>(&mut linker, |host| host)?;
    Ok(linker)
}

/// Compiles the component at `path`, or takes it from the cache, and checks its imports.
///
/// # Errors
/// It cannot be read or is no component, or [`check_imports`] refuses it.
pub fn load(engine: &Engine, path: &Path) -> anyhow::Result<Component> {
    let component = compile(engine, path)?;
    check_imports(&imports(engine, &component)).with_context(|| format!("{} is refused", path.display()))?;
    Ok(component)
}

/// Loads components, each named as messages shall name it, one thread each; the cache makes this quick from the second
/// time on.
///
/// # Errors
/// One of them cannot be loaded: see [`load`].
pub fn load_all<'a>(
    engine: &Engine,
    paths: impl Iterator<Item = (&'a str, &'a Path)>,
) -> anyhow::Result<Vec<Component>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = paths.map(|(id, path)| (id, scope.spawn(|| load(engine, path)))).collect();
        threads
            .into_iter()
            .map(|(id, thread)| match thread.join() {
                Ok(loaded) => loaded.with_context(|| format!("component {id}")),
                Err(_) => bail!("component {id}: the compiler panicked"),
            })
            .collect()
    })
}

/// Compiles the component at `path`, or takes it from the cache, whatever it imports.
///
/// # Errors
/// It cannot be read or is no component.
pub fn compile(engine: &Engine, path: &Path) -> anyhow::Result<Component> {
    Component::from_file(engine, path)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("cannot load {}", path.display()))
}

/// The names of everything that the component imports, as `namespace:package/interface@version`.
#[must_use]
pub fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    component.component_type().imports(engine).map(|(name, _)| name.to_owned()).collect()
}

/// Whether the component exports the interface `name`.
#[must_use]
pub fn exports(engine: &Engine, component: &Component, name: &str) -> bool {
    component
        .component_type()
        .exports(engine)
        .any(|(export, item)| export == name && matches!(item.ty, ComponentItem::ComponentInstance(_)))
}

/// Refuses every import other than WASI 0.2.x, WASI 0.3.0 and `spin:{key-value,redis,variables}@3.0.0`.
///
/// # Errors
/// Names the imports that are none of these.
pub fn check_imports(imports: &[String]) -> anyhow::Result<()> {
    let foreign: Vec<&str> = imports.iter().map(String::as_str).filter(|import| !is_offered(import)).collect();
    if !foreign.is_empty() {
        bail!(
            "it imports {}; the embedded host offers wasi:*@0.2.x, wasi:*@0.3.0 and spin:{{key-value,redis,variables}}@3.0.0",
            foreign.join(", ")
        );
    }
    Ok(())
}

fn is_offered(import: &str) -> bool {
    let Some((interface, version)) = import.split_once('@') else {
        return false;
    };
    let release = !version.contains('-');
    match interface.split_once('/').map_or(interface, |(package, _)| package) {
        "wasi:cli" | "wasi:clocks" | "wasi:filesystem" | "wasi:http" | "wasi:io" | "wasi:random" | "wasi:sockets" => {
            release && (version.starts_with("0.2.") || version == "0.3.0")
        }
        "spin:key-value" | "spin:redis" | "spin:variables" => version == "3.0.0",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_released_wasi_and_three_spin_packages_only() {
        for offered in ["wasi:cli/stdout@0.2.6", "wasi:http/client@0.3.0", "spin:redis/redis@3.0.0"] {
            assert!(check_imports(&[offered.into()]).is_ok(), "{offered}");
        }
        for refused in [
            "wasi:http/handler@0.3.0-rc-2026-03-15",
            "wasi:keyvalue/store@0.2.0-draft2",
            "fermyon:spin/key-value@2.0.0",
            "spin:sqlite/sqlite@3.1.0",
            "spin:redis/redis@3.1.0",
            "env",
        ] {
            let message = check_imports(&[refused.into()]).unwrap_err().to_string();
            assert!(message.contains(refused), "{message}");
        }
    }
}
