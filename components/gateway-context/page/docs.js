"use strict";
// Shows /openapi.json and sends requests. Everything from the document becomes text, never markup.
(() => {
  const METHODS = ["get", "post", "put", "patch", "delete"];
  const byId = (id) => document.getElementById(id);

  /** An element with text or children; attributes by name. */
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== undefined && child !== null));
    return element;
  };

  /** A text whose parts in backticks are code. */
  const prose = (text) => {
    const parts = (text || "").split("`");
    return parts.map((part, place) => (place % 2 === 1 && place < parts.length - 1 ? make("code", {}, part) : part));
  };

  let api = {};
  const resolve = (value) => {
    let found = value;
    for (let step = 0; found && found.$ref && step < 8; step += 1) {
      found = found.$ref.replace(/^#\//, "").split("/").reduce((at, name) => at && at[name], api);
    }
    return found || {};
  };

  /** What a value looks like: its example, or one made from its schema. */
  const sample = (schema, depth = 0) => {
    const found = resolve(schema);
    if (found.examples && found.examples.length) return found.examples[0];
    for (const key of ["example", "default", "const"]) if (found[key] !== undefined) return found[key];
    if (found.enum) return found.enum[0];
    const choice = (found.oneOf || found.anyOf || []).find((one) => one.type !== "null");
    if (choice) return depth < 6 ? sample(choice, depth + 1) : null;
    if (found.allOf) return Object.assign({}, ...found.allOf.map((one) => sample(one, depth + 1)));
    const type = Array.isArray(found.type) ? found.type.find((one) => one !== "null") : found.type;
    if (type === "array") return depth < 6 ? [sample(found.items || {}, depth + 1)] : [];
    if (type === "object" || found.properties) {
      const members = Object.entries(found.properties || {});
      return depth < 6 ? Object.fromEntries(members.map(([name, one]) => [name, sample(one, depth + 1)])) : {};
    }
    if (type === "integer" || type === "number") return found.minimum ?? 0;
    if (type === "boolean") return false;
    return type === "string" ? "" : null;
  };
  const exampleOf = (of) => {
    if (of.example !== undefined) return of.example;
    const first = Object.values(of.examples || {})[0];
    return first && first.value !== undefined ? first.value : sample(of.schema || {});
  };
  const typeOf = (schema) => {
    const found = resolve(schema);
    const type = Array.isArray(found.type) ? found.type.join(" or ") : found.type || "";
    const limits = [found.format, found.minimum !== undefined && `from ${found.minimum}`,
      found.maximum !== undefined && `to ${found.maximum}`, found.enum && found.enum.join(", ")];
    return [type, ...limits].filter(Boolean).join(", ");
  };
  const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
  const block = (text) => make("pre", { tabindex: "0" }, make("code", {}, text));

  const parameters = (operation, id) => {
    const fields = make("div", { class: "fields" });
    const inputs = [];
    for (const one of (operation.parameters || []).map(resolve)) {
      const field = `${id}-${one.in}-${one.name}`;
      const isKey = one.name.toLowerCase() === "idempotency-key";
      const example = one.in === "query" ? "" : isKey ? crypto.randomUUID() : exampleOf(one);
      const input = make("input", { id: field, value: String(example ?? ""), required: one.required, spellcheck: "false" });
      const about = [typeOf(one.schema || {}), one.in === "query" ? "in the query" : `in the ${one.in}`].filter(Boolean);
      const needed = one.required ? " (needed)" : "";
      fields.append(make("div", {}, make("label", { for: field }, make("code", {}, one.name), needed), input,
        make("span", { class: "hint" }, ...prose([one.description, about.join(", ")].filter(Boolean).join(" · ")))));
      inputs.push({ ...one, input, isKey });
    }
    return { fields, inputs };
  };

  /** The request that the form describes. */
  const requestOf = (path, method, operation, inputs, body) => {
    const headers = {};
    const query = new URLSearchParams();
    let target = path;
    for (const { name, in: place, input } of inputs) {
      if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(input.value));
      else if (input.value !== "" && place === "query") query.append(name, input.value);
      else if (input.value !== "" && place === "header") headers[name] = input.value;
    }
    const token = byId("token").value.trim();
    if (token && (operation.security || []).length) headers.authorization = `Bearer ${token}`;
    if (body) headers["content-type"] = "application/json";
    const text = query.toString();
    return [target + (text ? `?${text}` : ""), { method: method.toUpperCase(), headers, body: body ? body.value : undefined,
      credentials: "omit", cache: "no-store" }];
  };

  const send = async (button, result, url, request, again) => {
    button.disabled = true;
    result.replaceChildren(make("p", { class: "soft" }, `${request.method} ${url} …`));
    const began = performance.now();
    try {
      const answer = await fetch(url, request);
      const text = await answer.text();
      let shown = text;
      try { shown = pretty(JSON.parse(text)); } catch { /* it is not JSON */ }
      const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      result.replaceChildren(
        make("h3", {}, `${answer.status} ${answer.statusText} in ${Math.round(performance.now() - began)} ms`),
        block(shown || "(no body)"), make("details", {}, make("summary", {}, "Headers"), block(headers)));
      if (answer.ok) again();
    } catch (error) {
      result.replaceChildren(make("h3", {}, "No answer"), make("p", {}, String(error)));
    }
    button.disabled = false;
  };

  const form = (path, method, operation, id) => {
    const { fields, inputs } = parameters(operation, id);
    const media = ((operation.requestBody || {}).content || {})["application/json"];
    let body;
    if (media) {
      body = make("textarea", { id: `${id}-body`, spellcheck: "false" });
      body.value = pretty(exampleOf(media));
      fields.append(make("div", {}, make("label", { for: `${id}-body` }, "Body"), body));
    }
    const button = make("button", { type: "submit" }, "Send");
    const result = make("div", { "aria-live": "polite" });
    const all = make("form", {}, make("h3", {}, "Try it"), fields, make("p", {}, button), result);
    all.addEventListener("submit", (event) => {
      event.preventDefault();
      const [url, request] = requestOf(path, method, operation, inputs, body);
      // A key is for one wish: after it came true, the next click is another wish.
      const again = () => inputs.filter((one) => one.isKey).forEach((one) => { one.input.value = crypto.randomUUID(); });
      send(button, result, url, request, again);
    });
    return all;
  };

  const answers = (operation) => {
    const rows = Object.entries(operation.responses || {}).sort(([a], [b]) => a.localeCompare(b)).map(([status, one]) => {
      const found = resolve(one);
      const media = Object.entries(found.content || {}).filter(([kind]) => kind !== "application/problem+json");
      const shapes = media.map(([kind, of]) => make("details", {}, make("summary", {}, kind), block(pretty(exampleOf(of)))));
      return make("tr", {}, make("th", { scope: "row" }, status), make("td", {}, ...prose(found.description), ...shapes));
    });
    const head = make("tr", {}, make("th", { scope: "col" }, "Status"), make("th", { scope: "col" }, "Meaning"));
    return make("div", { class: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  };

  const section = (path, method, operation) => {
    const id = operation.operationId;
    const scopes = (operation.security || []).flatMap((one) => Object.values(one).flat());
    const needs = (operation.security || []).length
      ? make("p", { class: "soft" }, `Needs a token${scopes.length ? ` with ${scopes.join(", ")}` : ""}.`)
      : make("p", { class: "soft" }, "Needs no token.");
    const summary = make("summary", {}, make("span", { class: `verb ${method}` }, method.toUpperCase()),
      make("span", { class: "path" }, path), make("span", {}, operation.summary || ""));
    const inside = make("div", { class: "inside" });
    const all = make("details", { class: "operation", id }, summary, inside);
    // Made when it is first opened: a page of sixty open forms is slow and hard to find one's way in.
    all.addEventListener("toggle", () => {
      if (!all.open || inside.childElementCount) return;
      const texts = (operation.description || "").split(/\n\n+/).filter(Boolean).map((text) => make("p", {}, ...prose(text)));
      inside.append(...texts, needs, form(path, method, operation, id), make("h3", {}, "Answers"), answers(operation));
    });
    return all;
  };

  const show = () => {
    const main = byId("main");
    const index = byId("index");
    main.replaceChildren(make("p", {}, ...prose((api.info || {}).description)));
    const groups = new Map((api.tags || []).map((tag) => [tag.name, { tag, operations: [] }]));
    for (const [path, item] of Object.entries(api.paths || {})) {
      for (const method of METHODS.filter((one) => item[one])) {
        const name = (item[method].tags || ["other"])[0];
        if (!groups.has(name)) groups.set(name, { tag: { name }, operations: [] });
        groups.get(name).operations.push({ path, method, operation: item[method] });
      }
    }
    for (const { tag, operations } of [...groups.values()].sort((a, b) => a.tag.name.localeCompare(b.tag.name))) {
      const links = make("ul", { role: "list" });
      main.append(make("h2", {}, tag.name), make("p", { class: "soft" }, ...prose(tag.description)));
      for (const { path, method, operation } of operations) {
        const shown = section(path, method, operation);
        const link = make("a", { href: `#${operation.operationId}` },
          make("span", { class: `verb ${method}` }, method.toUpperCase()), make("span", { class: "path" }, path));
        link.addEventListener("click", () => { shown.open = true; });
        links.append(make("li", { "data-text": `${method} ${path} ${operation.summary} ${tag.name}`.toLowerCase() }, link));
        main.append(shown);
      }
      index.append(make("section", {}, make("h2", {}, tag.name), links));
    }
    open();
  };

  /** Opens what the address names. */
  const open = () => {
    const named = byId(decodeURIComponent(location.hash.slice(1)));
    if (named instanceof HTMLDetailsElement) {
      named.open = true;
      named.scrollIntoView();
      named.querySelector("summary").focus({ preventScroll: true });
    }
  };

  byId("access").addEventListener("submit", (event) => event.preventDefault());
  byId("search").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of document.querySelectorAll("#index li")) {
      item.hidden = !words.every((word) => item.dataset.text.includes(word));
    }
    for (const part of document.querySelectorAll("#index section")) part.hidden = !part.querySelector("li:not([hidden])");
  });
  addEventListener("hashchange", open);

  fetch("/openapi.json", { credentials: "omit" })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
    .then((document_) => { api = document_; show(); })
    .catch((error) => { byId("status").textContent = `The document cannot be shown: ${error.message}`; });
})();
