import Foundation
import TestSupport
import Testing

@testable import Server

/// The page at `/` works in a browser.
@Suite struct PageTests {
    static let browser = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }.first

    @Test func pagesNeedNothingElse() {
        for page in [Page.start, Page.documentation] {
            #expect(page.ranges(of: /(src|href)="(https?:)?\/\//).isEmpty)
            #expect(!page.contains("@import") && !page.contains("url("))
        }
    }

    /// Uses every part of the page; what goes wrong ends up in its title.
    private static let tour = """
        <script>
        async function until(what, isTrue) {
          for (let turn = 0; turn < 200; turn += 1) {
            if (isTrue()) return;
            await new Promise(resolve => setTimeout(resolve, 50));
          }
          throw new Error(what + ": " + byID("error").textContent);
        }
        const rows = () => document.querySelectorAll("#result tbody tr");
        async function tour() {
          await until("models", () => byID("model").options.length === 3 && kind === "embedding");
          byID("run").click();
          await until("similarities", () => rows().length === 3);
          if (!document.querySelector("#plot circle")) throw new Error("no plot");
          byID("model").value = "labels";
          byID("model").onchange();
          await until("another model", () => kind === "classifier");
          if (!byID("query-part").hidden) throw new Error("query");
          byID("run").click();
          await until("labels", () => rows().length === 9);
          byID("repeat").click();
          await until("again", () => times.length >= 4);
          byID("repeat").click();
          byID("texts").value = "";
          await until("rest", () => !isBusy);
          byID("run").click();
          await until("error", () => byID("error").textContent.includes("empty"));
          for (const field of document.querySelectorAll("textarea, select, input:not([type=checkbox])")) {
            if (!document.querySelector("label[for=" + field.id + "]")) throw new Error("label of " + field.id);
          }
        }
        tour().then(() => document.title = "tour done", error => document.title = "tour failed: " + error.stack);
        </script></body>
        """

    @Test(.enabled(if: browser != nil, "no Chromium on the PATH"))
    func browsersUseEveryPartWithoutErrors() async throws {
        try await TestServer.serving { port in
            let scratch = try TemporaryDirectory()
            let page = Page.start.replacing("<head>", with: "<head><base href=\"http://127.0.0.1:\(port)/\">")
                .replacing("</body>", with: Self.tour)
            try scratch.write("tour.html", page)
            for name in ["dom", "log"] { try scratch.write(name, "") }
            let browser = try #require(Self.browser)
            let status = try await RawConnection.blocking {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: browser)
                // The tour's page is a file, which may not ask servers otherwise.
                process.arguments = [
                    "--headless", "--no-sandbox", "--disable-gpu", "--disable-web-security",
                    "--enable-logging=stderr", "--virtual-time-budget=20000",
                    "--user-data-dir=\(scratch.path("profile"))", "--dump-dom",
                    scratch.url("tour.html").absoluteString,
                ]
                process.standardOutput = try FileHandle(forWritingTo: scratch.url("dom"))
                process.standardError = try FileHandle(forWritingTo: scratch.url("log"))
                try process.run()
                process.waitUntilExit()
                return process.terminationStatus
            }
            #expect(status == 0)
            let console = try scratch.read("log").split(separator: "\n").filter {
                $0.contains("CONSOLE") && !$0.contains("400 (Bad Request)")
            }
            #expect(console.isEmpty)
            #expect(try scratch.read("dom").firstMatch(of: /<title>([^<]*)<\/title>/)?.1 == "tour done")
        }
    }
}
