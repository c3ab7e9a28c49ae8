import Foundation

extension ProcessGroup {
    /// Environment variables by which launchers tell a process how many there are: those of OpenMPI, of MPICH and its relatives
    /// (Hydra's PMI), and of Slurm's `srun`.
    private static let sizes = [
        "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS",
    ]
    /// Those by which PMIx and PMI say that there are others, without their number.
    private static let marks = ["PMIX_NAMESPACE", "PMI_RANK"]

    /// How many processes a launcher such as `mpirun` has started; `nil` where none has, or it does not say so.
    public static var launchedCount: Int? {
        let environment = ProcessInfo.processInfo.environment
        return sizes.compactMap { environment[$0].flatMap { Int($0) } }.first
    }

    /// The group that a launcher such as `mpirun` has started this process in; `nil` where none has.
    ///
    /// - Throws: `GroupError` where this build of bertc can't join, or MPI can't be started.
    public static func ofLauncher() throws -> ProcessGroup? {
        let environment = ProcessInfo.processInfo.environment
        let size = launchedCount
        guard size != nil || marks.contains(where: { environment[$0] != nil }) else { return nil }
        #if MPI
            let group = try ProcessGroup { try MPITransport() }
            if let size, size > 1, group.size == 1 {
                throw GroupError(
                    "the launcher has started \(size) processes, but this program's MPI sees one: it was built with another "
                        + "MPI than the launcher's; use the mpirun of the same installation, or srun with --mpi=pmix"
                )
            }
            return group
        #else
            guard let size, size > 1 else { return nil }
            throw GroupError(
                "a launcher has started \(size) processes, but this bertc was built without MPI and would run \(size) times "
                    + "over; build it with 'swift build -c release --traits MPI'")
        #endif
    }
}
