import Foundation
import TestSupport
import Testing

/// `bertc compile --html`: the page is complete in itself and works in a browser.
@Suite struct HTMLTests {
    static let browser = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }.first

    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyModel.write(.classification(labels: 3), labels: ["a", "b", "c"], to: scratch)
        let arguments = ["compile", scratch.path("model"), "--training", "--html", scratch.path("page.html")]
        let result = try Tool.run(arguments)
        #expect(result.status == 0)
        #expect(result.output.isEmpty)
        #expect(result.error.contains("page.html: written"))
    }

    @Test func pageNeedsNothingElse() throws {
        let page = try scratch.read("page.html")
        #expect(
            page.ranges(of: /(src|href)="([^"]*)"/).allSatisfy { range in
                ["#", "data:"].contains { page[range].contains("=\"\($0)") }
            })
        #expect(!page.contains("@import") && !page.contains("url("))
        #expect(page.ranges(of: "<script").count == page.ranges(of: "</script>").count)
        let data = try #require(page.firstMatch(of: /id="data">([^<]*)<\/script>/)?.1)
        let object = try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
        for name in ["name", "symbols", "fused", "unfused", "decisions"] { #expect(object?[name] != nil) }
    }

    @Test func unwritablePlaceIsOneLine() throws {
        let result = try Tool.run([
            "compile", scratch.path("model"), "--html", scratch.path("nowhere/page.html"),
        ])
        #expect(result.status == 73)
        #expect(result.error.split(separator: "\n").count == 1)
    }

    /// Uses every part of the page; what goes wrong ends up in its title.
    private static let tour = """
        <script>
        try {
          for (const part of ["graph", "kernels", "memory", "fusion"]) {
            for (const button of document.querySelectorAll("#mode button")) {
              location.hash = "#" + part;
              button.click();
              const section = byID(part);
              if (!section.classList.contains("on")) throw new Error(part + " is not shown");
              if (section.querySelectorAll("rect, path, td").length === 0) throw new Error(part + " is empty");
            }
          }
          const rows = () => document.querySelectorAll("#decision-table tbody tr");
          const all = rows().length;
          byID("filter").value = "bias+gelu layer.1";
          showDecisions();
          if (rows().length === 0 || rows().length === all) throw new Error("filter");
          rows()[0].click();
          if (!rows()[0].textContent.includes("encoder.layer.1.ffn")) throw new Error("no place is shown");
          location.hash = "#kernels";
          show();
          for (let index = 0; index < 7; index += 1) document.querySelectorAll("#kernel-table th")[index].click();
          location.hash = "#graph";
          show();
          byID("collapse").click();
          const closed = document.querySelectorAll(".shut").length;
          byID("find").value = "matmul+bias+gelu";
          byID("find").onchange();
          if (closed === 0 || document.querySelectorAll(".leaf.hit").length !== 2) throw new Error("find");
          document.querySelector(".leaf.hit").onclick();
          if (!byID("detail").textContent.includes("matmul %")) throw new Error("no body is shown");
          document.querySelector(".scope rect.head").onclick();
          byID("canvas").dispatchEvent(new WheelEvent("wheel", { deltaY: -200, cancelable: true }));
          byID("sources").click();
          byID("fit").click();
          document.title = "tour done";
        } catch (error) { document.title = "tour failed: " + error.stack; }
        </script></body>
        """

    @Test(.enabled(if: browser != nil, "no Chromium on the PATH"))
    func browsersShowEveryPartWithoutErrors() throws {
        let page = try scratch.read("page.html").replacing("</body>", with: Self.tour)
        try scratch.write("tour.html", page)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.browser))
        process.arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            "--user-data-dir=\(scratch.path("profile"))", "--dump-dom",
            scratch.url("tour.html").absoluteString,
        ]
        for name in ["dom", "log"] { try scratch.write(name, "") }
        process.standardOutput = try FileHandle(forWritingTo: scratch.url("dom"))
        process.standardError = try FileHandle(forWritingTo: scratch.url("log"))
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let console = try scratch.read("log").split(separator: "\n").filter { $0.contains("CONSOLE") }
        #expect(console.isEmpty)
        let title = try scratch.read("dom").firstMatch(of: /<title>([^<]*)<\/title>/)?.1
        #expect(title == "tour done")
    }
}
