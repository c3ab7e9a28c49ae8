/// The part of MPI that bertc uses, in types that do not differ between its implementations: OpenMPI's handles are
/// pointers, MPICH's are numbers, and neither's constants reach Swift. All functions but
/// `bertc_mpi_abort` are called from one thread.
///
/// Functions return 0, or one of MPI's error codes; `bertc_mpi_message` says what it means.
#pragma once

#include <stddef.h>

/// Joins the processes that the launcher has started; once in a process.
int bertc_mpi_start(void);

/// The number of this process and how many there are.
int bertc_mpi_places(int *rank, int *size);

/// Starts to send `count` bytes, which stay where they are until the transfer is complete.
int bertc_mpi_send(const void *bytes, int count, int rank, int tag, int *transfer);

/// Starts to receive `count` bytes. Of messages with the same tag from the same process, the first that is sent is the
/// first that is received.
int bertc_mpi_receive(void *bytes, int count, int rank, int tag, int *transfer);

/// Sets `done` when a transfer is complete, whose number is free then; lets all of them go on.
int bertc_mpi_test(int transfer, int *done);

/// Ends all processes with a status; does not return.
void bertc_mpi_abort(int status);

/// Leaves the group; all transfers must be complete.
int bertc_mpi_finish(void);

/// The words for an error code; `text` has room for `capacity` bytes.
void bertc_mpi_message(int code, char *text, int capacity);
