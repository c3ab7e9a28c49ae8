import Foundation

/// One line of a terminal that is drawn over and over, at most ten times a second.
struct TerminalLine {
    private static let interval = Duration.milliseconds(100)
    private var lastDrawn: ContinuousClock.Instant?
    private var isShown = false

    /// Draws the text for the terminal's width, unless the last time was just now.
    mutating func draw(_ text: (_ width: Int) -> String) {
        let now = ContinuousClock.now
        if let lastDrawn, now - lastDrawn < Self.interval { return }
        lastDrawn = now
        isShown = true
        // The last column stays free: some terminals wrap when it is written.
        Console.write("\r\u{1B}[K" + text(Self.width - 1))
        Console.flush()
    }

    /// Takes the line away, for something else to be printed in its place.
    mutating func clear() {
        if isShown { Console.write("\r\u{1B}[K") }
        isShown = false
        lastDrawn = nil
    }

    /// Columns of the terminal; 80 when it does not say.
    private static var width: Int {
        var size = winsize()
        let known = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return known ? Int(size.ws_col) : 80
    }
}
