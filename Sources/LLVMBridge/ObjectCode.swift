/// Relocatable machine code (an ELF object) of one IR module.
package struct ObjectCode: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }
}
