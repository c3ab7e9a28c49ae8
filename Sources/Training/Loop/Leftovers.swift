import Foundation

/// What processes that were killed left half written. Whoever removes it holds the directory's `OutputLock`: nobody is
/// writing it any more.
package enum Leftovers {
    /// Removes what `AtomicFile` left of files with such names: `.NAME.PID.partial`.
    package static func remove(in directory: String, of isOwn: (String) -> Bool) {
        for name in names(in: directory) {
            guard let match = name.wholeMatch(of: /\.(.+)\.[0-9]+\.partial/), isOwn(String(match.1)) else {
                continue
            }
            unlink((directory as NSString).appendingPathComponent(name))
        }
    }

    /// Removes what training left in its output directory and the folders that are its own.
    static func removeAll(in directory: String) {
        remove(in: directory) { name in
            modelFiles.contains(name) || name.hasPrefix("attention_mask.") && name.hasSuffix(".txt")
        }
        // Earlier versions wrote the files of tokenisers through Foundation, which names them so.
        for name in names(in: directory)
        where name.wholeMatch(of: /\.dat\.nosync[0-9a-f]+\.[A-Za-z0-9]+/) != nil {
            unlink((directory as NSString).appendingPathComponent(name))
        }
        remove(in: directory + "/tensorboard") { $0.hasPrefix("events.out.tfevents.") }
        remove(in: directory + "/tokens") { $0.hasSuffix(".tokens") }
    }

    private static let modelFiles: Set = [
        "config.json", "model.safetensors", "log.csv", "vocab.txt", "tokenizer.json", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "glue.json",
    ]

    private static func names(in directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }
}
