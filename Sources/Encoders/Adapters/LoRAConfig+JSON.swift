import Foundation
import Support

extension LoRAConfig {
    /// Reads an `adapter_config.json`.
    /// - Throws: `ConfigError` naming the field, for what is not LoRA of linear layers as well.
    package init(contentsOf url: URL) throws {
        func error(_ field: String?, _ problem: String) -> ConfigError {
            ConfigError(file: url.path, field: field, problem: problem)
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: try readFile(url.path))
        } catch let problem as JSONError {
            throw error(nil, "is \(problem)")
        } catch let problem as FileError {
            throw error(nil, "cannot be read: \(problem.reason)")
        }
        guard let object = value.object else { throw error(nil, "holds \(value.kind), expected an object") }
        file = object
        guard object["peft_type"]?.string?.uppercased() == "LORA" else {
            throw error("peft_type", "is \(object["peft_type"] ?? .null), expected \"LORA\"")
        }
        for (name, isUnused) in Self.unsupported {
            guard let value = object[name], !value.isNull, !isUnused(value) else { continue }
            throw error(name, "is \(value), which is not supported; only plain LoRA of linear layers is")
        }
        func number(_ name: String, _ usual: Double, _ isLegal: (Double) -> Bool) throws -> Double {
            guard let value = object[name], !value.isNull else { return usual }
            guard let number = value.double, isLegal(number) else {
                throw error(name, "is \(value), which is out of range")
            }
            return number
        }
        rank = Int(try number("r", 8) { $0 >= 1 && $0 <= 65536 && $0 == $0.rounded() })
        alpha = try number("lora_alpha", 8) { $0.isFinite }
        dropout = try number("lora_dropout", 0) { (0..<1).contains($0) }
        isRankStabilized = object["use_rslora"]?.bool ?? false
        for (pattern, value) in object["alpha_pattern"]?.object?.members ?? [] {
            guard let alpha = value.double else {
                throw error("alpha_pattern", "has no number for '\(pattern)'")
            }
            alphaPatterns.append((pattern, alpha))
        }
        targetModules =
            object["target_modules"]?.array?.compactMap(\.string)
            ?? object["target_modules"]?.string.map { [$0] } ?? []
        modulesToSave = object["modules_to_save"]?.array?.compactMap(\.string)
    }

    /// Members whose values other than these make an adapter something else.
    private static let unsupported: [(String, @Sendable (JSONValue) -> Bool)] = [
        ("bias", { $0.string == "none" }), ("use_dora", { $0.bool == false }),
        ("use_rslora", { $0.bool != nil }),
        // Others change the base's weights when PEFT loads an adapter.
        (
            "init_lora_weights",
            { value in
                value.bool != nil || ["gaussian", "eva", "orthogonal"].contains(value.string)
            }
        ),
        ("lora_bias", { $0.bool == false }), ("use_qalora", { $0.bool == false }),
        ("use_bdlora", { $0.bool == false }), ("trainable_token_indices", { $0.array?.isEmpty == true }),
        ("layer_replication", { $0.array?.isEmpty == true }),
        ("target_parameters", { $0.array?.isEmpty == true }),
        ("alora_invocation_tokens", { $0.array?.isEmpty == true }),
    ]

    /// Whether the `target_modules` of a file are, among others, a module: one of the names or an end of its name, or what a
    /// regular expression describes. Where there are none, it is any.
    func names(_ module: String, _ map: CheckpointMap) -> Bool {
        if let names = file["target_modules"]?.array?.compactMap(\.string), !names.isEmpty {
            return names.map(map.plain).contains { module == $0 || module.hasSuffix(".\($0)") }
        }
        guard let pattern = file["target_modules"]?.string, pattern.lowercased() != Self.allLinear,
            let expression = try? Regex("(.*\\.)?(\(pattern))")
        else { return true }
        return (try? expression.wholeMatch(in: module)) != nil
    }

    /// `base_model_name_or_path`: the model that the adapter is for.
    package var basePath: String? { file["base_model_name_or_path"]?.string }

    /// The kind of model that `task_type` names; nil where it names none.
    var architecture: EncoderArchitecture? {
        switch file["task_type"]?.string {
        case "SEQ_CLS": .sequenceClassification
        case "TOKEN_CLS": .tokenClassification
        case "QUESTION_ANS": .questionAnswering
        case "FEATURE_EXTRACTION": .encoder
        default: nil
        }
    }

    /// An `adapter_config.json`: members of the file that was read stay.
    ///
    /// - Parameters:
    ///   - modules: all modules that have an adapter, by their whole names.
    ///   - base: the path of the model that it is for.
    func json(of architecture: EncoderArchitecture, modules: [String], base: String) -> JSONValue {
        var object = file
        func put(_ name: String, _ value: JSONValue) { object[name] = value }
        func keep(_ name: String, _ value: JSONValue) { if object[name] == nil { object[name] = value } }
        put("base_model_name_or_path", .string(base))
        keep("bias", .string("none"))
        keep("fan_in_fan_out", .bool(false))
        put("inference_mode", .bool(true))
        keep("init_lora_weights", .bool(true))
        put(
            "lora_alpha", alpha.rounded() == alpha && abs(alpha) < 1e9 ? .integer(Int(alpha)) : .double(alpha)
        )
        put("lora_dropout", .double(dropout))
        let saved = savedModules(of: architecture)
        put("modules_to_save", saved.isEmpty ? .null : .array(saved.map(JSONValue.string)))
        put("peft_type", .string("LORA"))
        put("r", .integer(rank))
        if ranks == nil { put("target_modules", .array(targets(modules).map(JSONValue.string))) }
        put("task_type", Self.taskType(of: architecture))
        put("use_rslora", .bool(isRankStabilized))
        return .object(object)
    }

    /// The entries of `targetModules` where PEFT reads them alike, else the names of all modules.
    private func targets(_ modules: [String]) -> [String] {
        let isPlain = targetModules.allSatisfy { entry in
            entry.lowercased() != Self.allLinear && !entry.contains { "*?[".contains($0) }
        }
        if isPlain, !targetModules.isEmpty { return targetModules }
        return modules.sorted()
    }

    private static func taskType(of architecture: EncoderArchitecture) -> JSONValue {
        switch architecture {
        // PEFT has no type of its own for multiple choice, whose classifier has the same name.
        case .sequenceClassification, .multipleChoice: .string("SEQ_CLS")
        case .questionAnswering: .string("QUESTION_ANS")
        case .tokenClassification: .string("TOKEN_CLS")
        case .encoder: .string("FEATURE_EXTRACTION")
        case .maskedLanguageModel, .pretraining, .nextSentencePrediction, .discriminator: .null
        }
    }
}
