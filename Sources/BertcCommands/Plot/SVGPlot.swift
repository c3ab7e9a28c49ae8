import Support

/// Curves as an SVG picture.
struct SVGPlot {
    let title: String
    let curves: [LogCurve]

    private static let colors = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b"]
    /// In pixels: the picture, and the axes in it.
    private static let (width, height) = (720.0, 420.0)
    private static let (left, top, right, bottom) = (70.0, 40.0, 700.0, 370.0)

    var text: String {
        let range = CurveRange(curves)
        func x(_ share: Double) -> String {
            Formatted.number(Self.left + share * (Self.right - Self.left), digits: 1)
        }
        func y(_ share: Double) -> String {
            Formatted.number(Self.bottom - share * (Self.bottom - Self.top), digits: 1)
        }
        var parts = [
            #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(Int(Self.width))" height="\#(Int(Self.height))" "#
                + #"font-family="sans-serif" font-size="12">"#,
            #"<rect width="100%" height="100%" fill="white"/>"#,
            #"<text x="\#(Self.left)" y="24" font-size="15">\#(Self.escaped(title))</text>"#,
        ]
        for tick in 0...4 {
            let share = Double(tick) / 4
            func value(_ range: ClosedRange<Double>) -> Double {
                range.lowerBound + share * (range.upperBound - range.lowerBound)
            }
            parts.append(
                #"<path d="M\#(x(0)) \#(y(share))H\#(x(1))" stroke="lightgray"/>"#
                    + #"<text x="\#(Self.left - 8)" y="\#(y(share))" text-anchor="end" dominant-baseline="middle">"#
                    + Formatted.number(value(range.values), digits: 2) + "</text>"
                    + #"<text x="\#(x(share))" y="\#(Self.bottom + 18)" text-anchor="middle">"#
                    + Formatted.number(value(range.steps), digits: 0) + "</text>")
        }
        for (index, curve) in curves.enumerated() {
            let color = Self.colors[index % Self.colors.count]
            let points = curve.points.map { point in
                let place = range.place(point)
                return "\(x(place.x)),\(y(place.y))"
            }
            parts.append(
                #"<polyline fill="none" stroke="\#(color)" stroke-width="2" points="\#(points.joined(separator: " "))"/>"#
                    + #"<text x="\#(Self.right)" y="\#(Self.top + 16 * Double(index + 1))" text-anchor="end" "#
                    + #"fill="\#(color)">\#(Self.escaped(curve.name))</text>"#)
        }
        return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    }
}
