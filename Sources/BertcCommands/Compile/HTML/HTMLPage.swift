import GraphCompiler
import Support

/// What `--html` writes: one page that needs nothing but a browser.
///
/// `Page/` has its parts, which the build embeds in the code. The figures are one JSON block; the scripts draw them.
/// Everything is shown for the fused program and for the same graph with one kernel per node.
struct HTMLPage: CustomStringConvertible {
    let fused: CompilationReport
    let unfused: CompilationReport
    let decisions: [FusionDecision]

    var description: String {
        Self.filled(
            Self.text(PackageResources.page_html) + "\n",
            [
                "title": Self.escaped(fused.graph.name), "style": Self.text(PackageResources.style_css),
                "data": Self.embedded(json), "scripts": Self.scripts.joined(separator: "\n"),
            ])
    }

    private static var scripts: [String] {
        [
            PackageResources.basics_js, PackageResources.layout_js, PackageResources.graph_js,
            PackageResources.tables_js, PackageResources.memory_js,
        ].map(text)
    }

    /// A file of the page without the end of its last line.
    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// The template with what stands for each `{{name}}`.
    private static func filled(_ template: String, _ parts: [String: String]) -> String {
        template.replacing(/\{\{(\w+)\}\}/) { match in
            guard let part = parts[String(match.1)] else {
                preconditionFailure("the page has no part '\(match.1)'")
            }
            return part
        }
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    }

    /// JSON that can't end the element it stands in.
    private static func embedded(_ json: JSONValue) -> String { "\(json)".replacing("<", with: "\\u003c") }
}
