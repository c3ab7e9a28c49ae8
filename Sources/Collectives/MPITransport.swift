#if MPI
    import MPIBridge

    /// MPI's processes.
    final class MPITransport: Transport {
        let rank: Int
        let size: Int
        /// MPI counts bytes in 32 bits.
        private static let largestMessage = 1 << 30

        /// Joins the processes that the launcher has started.
        init() throws(GroupError) {
            try Self.check(bertc_mpi_start(), "cannot start")
            var (rank, size): (Int32, Int32) = (0, 1)
            try Self.check(bertc_mpi_places(&rank, &size), "cannot count processes")
            (self.rank, self.size) = (Int(rank), Int(size))
        }

        func send(
            _ bytes: UnsafeRawBufferPointer, to rank: Int, on channel: Channel
        ) throws(GroupError) -> Transfer {
            precondition(bytes.count <= Self.largestMessage, "messages are of pieces")
            var number: Int32 = 0
            try Self.check(
                bertc_mpi_send(
                    bytes.baseAddress, Int32(bytes.count), Int32(rank), Int32(channel.rawValue), &number),
                "cannot send to rank \(rank)")
            return Transfer(number: Int(number))
        }

        func receive(
            into bytes: UnsafeMutableRawBufferPointer, from rank: Int, on channel: Channel
        ) throws(GroupError) -> Transfer {
            precondition(bytes.count <= Self.largestMessage, "messages are of pieces")
            var number: Int32 = 0
            try Self.check(
                bertc_mpi_receive(
                    bytes.baseAddress, Int32(bytes.count), Int32(rank), Int32(channel.rawValue), &number),
                "cannot receive from rank \(rank)")
            return Transfer(number: Int(number))
        }

        func isComplete(_ transfer: Transfer) throws(GroupError) -> Bool {
            var done: Int32 = 0
            try Self.check(bertc_mpi_test(Int32(transfer.number), &done), "a transfer failed")
            return done != 0
        }

        func abort(status: Int32) { bertc_mpi_abort(status) }

        func finish() throws(GroupError) { try Self.check(bertc_mpi_finish(), "cannot end") }

        private static func check(_ code: Int32, _ problem: String) throws(GroupError) {
            guard code != 0 else { return }
            var text = [CChar](repeating: 0, count: 512)
            bertc_mpi_message(code, &text, Int32(text.count))
            let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw GroupError("MPI \(problem): \(words)")
        }
    }
#endif
