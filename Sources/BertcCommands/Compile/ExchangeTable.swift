import ArgumentParser
import GraphCompiler
import Support

/// `bertc compile --processes`: what travels between processes, when, and what a network makes of it.
struct ExchangeTable: CustomStringConvertible {
    let forecast: ExchangeForecast
    /// The same for other numbers of processes; empty without a network.
    let scaling: [ExchangeForecast]
    let network: ExchangeForecast.Network?

    private static func milliseconds(_ seconds: Double?) -> String {
        seconds.map { Formatted.number($0 * 1e3, digits: 1) } ?? "-"
    }

    var description: String {
        var table = TextTable(
            ["bucket", "gradients", "ready after ms", "each process sends", "sums there after ms"])
        for (index, bucket) in forecast.buckets.enumerated() {
            table.add([
                "\(index + 1)", Formatted.bytes(bucket.byteCount), Self.milliseconds(bucket.ready),
                Formatted.bytes(bucket.sentByteCount), Self.milliseconds(bucket.end),
            ])
        }
        var lines = [
            "\(Formatted.count(forecast.processes, "process", "processes")), a micro-batch each: "
                + "kernels \(Self.milliseconds(forecast.compute)) ms, update \(Self.milliseconds(forecast.update)) ms; each sends "
                + "\(Formatted.bytes(forecast.sentByteCount)) a step",
            "", "\(table)",
        ]
        guard let network, let wait = forecast.wait, let step = forecast.step else {
            return lines.joined(separator: "\n")
        }
        let transfer = forecast.transfer(on: network)
        let hidden = transfer > 0 ? 100 * (1 - wait / transfer) : 100
        lines.append(
            "\nthe exchange takes \(Self.milliseconds(transfer)) ms, of which the backward pass hides "
                + "\(Formatted.number(hidden, digits: 0)) %; a step takes \(Self.milliseconds(step)) ms\n")
        let alone = scaling.first?.step ?? step
        var efficiency = TextTable(["processes", "step ms", "efficiency %"])
        for other in scaling {
            efficiency.add([
                "\(other.processes)", Self.milliseconds(other.step),
                Formatted.number(100 * alone / (other.step ?? alone), digits: 1),
            ])
        }
        lines.append("\(efficiency)")
        return lines.joined(separator: "\n")
    }

    var json: JSONValue {
        func number(_ value: Double?) -> JSONValue { value.map(JSONValue.double) ?? .null }
        return .object([
            "processes": .integer(forecast.processes), "kernel_seconds": .double(forecast.compute),
            "update_seconds": .double(forecast.update), "sent_bytes": .integer(forecast.sentByteCount),
            "wait_seconds": number(forecast.wait), "step_seconds": number(forecast.step),
            "buckets": .array(
                forecast.buckets.map { bucket in
                    .object([
                        "bytes": .integer(bucket.byteCount), "ready_seconds": .double(bucket.ready),
                        "sent_bytes": .integer(bucket.sentByteCount), "end_seconds": number(bucket.end),
                    ])
                }),
            "scaling": .array(
                scaling.map { other in
                    .object(["processes": .integer(other.processes), "step_seconds": number(other.step)])
                }),
        ])
    }
}

/// A network as `--network` spells it: a rate and a latency, such as `25Gb/s,5us`.
struct NetworkOption: ExpressibleByArgument {
    let network: ExchangeForecast.Network

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2,
            let rate = Self.number(
                parts[0],
                units: [
                    "Gb/s": 1e9 / 8, "Gbit/s": 1e9 / 8, "Mb/s": 1e6 / 8, "Mbit/s": 1e6 / 8, "GB/s": 1e9,
                    "MB/s": 1e6,
                ]), rate > 0,
            let latency = Self.number(parts[1], units: ["us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1])
        else { return nil }
        network = ExchangeForecast.Network(byteRate: rate, latency: latency)
    }

    private static func number(_ text: Substring, units: [String: Double]) -> Double? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(digits), let unit = units[String(text.dropFirst(digits.count))] else {
            return nil
        }
        return value * unit
    }
}
