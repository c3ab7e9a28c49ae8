import GraphCompiler
import Support

/// What `--html` writes: one page that needs nothing but a browser.
///
/// The figures are one JSON block; three scripts draw them. Everything is shown for the fused program and for the
/// same graph with a kernel a node.
struct HTMLPage: CustomStringConvertible {
    let fused: CompilationReport
    let unfused: CompilationReport
    let decisions: [FusionDecision]

    var description: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <link rel="icon" href="data:,">
        <title>\(Self.escaped(fused.graph.name)) - bertc</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        \(Self.markup)
        <script type="application/json" id="data">\(Self.embedded(json))</script>
        <script>
        \(Self.basics)
        \(Self.layoutScript)
        \(Self.graphScript)
        \(Self.tablesScript)
        \(Self.memoryScript)
        start();
        </script>
        </body>
        </html>

        """
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    }

    /// JSON that can't end the element it stands in.
    private static func embedded(_ json: JSONValue) -> String { "\(json)".replacing("<", with: "\\u003c") }

    /// The page without its figures.
    private static let markup = """
        <header>
          <h1 id="name"></h1><p id="extents"></p>
          <div id="cards"></div>
          <nav>
            <a href="#graph">Graph</a><a href="#kernels">Kernels</a><a href="#memory">Memory</a>
            <a href="#fusion">Fusion</a>
            <span id="mode"><button data-mode="unfused">before fusion</button><button
              data-mode="fused">after fusion</button></span>
          </nav>
        </header>
        <main>
          <section id="graph">
            <div class="bar">
              <input id="find" type="search" placeholder="find a node: gelu, layer.3, matmul+bias">
              <span id="found"></span>
              <button id="fit">fit</button><button id="collapse">collapse</button>
              <label><input type="checkbox" id="sources"> parameters and constants</label>
              <span id="legend"></span>
            </div>
            <div id="view"><svg id="canvas"></svg><aside id="detail"></aside></div>
          </section>
          <section id="kernels"><div class="scroll"><table id="kernel-table"></table></div></section>
          <section id="memory">
            <div class="bar" id="categories"></div>
            <svg id="plot"></svg>
            <div id="moment"></div>
          </section>
          <section id="fusion">
            <div class="bar">
              <input id="filter" type="search" placeholder="filter: matmul+bias, cache, layer.0">
              <label><input type="checkbox" id="show-fused" checked> fused</label>
              <label><input type="checkbox" id="show-rejected" checked> rejected</label>
              <span id="shown"></span>
            </div>
            <div class="scroll"><table id="decision-table"></table></div>
          </section>
        </main>
        """
}
