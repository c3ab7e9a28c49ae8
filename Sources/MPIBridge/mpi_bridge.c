#include "mpi_bridge.h"

#ifdef BERTC_MPI

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

/// Transfers under way by number; MPI_REQUEST_NULL where a number is free.
static MPI_Request *requests;
static int capacity;

int bertc_mpi_start(void) {
    int provided;
    int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    return code;
}

int bertc_mpi_places(int *rank, int *size) {
    int code = MPI_Comm_rank(MPI_COMM_WORLD, rank);
    return code == MPI_SUCCESS ? MPI_Comm_size(MPI_COMM_WORLD, size) : code;
}

/// A free number.
static int slot(void) {
    for (int index = 0; index < capacity; index++)
        if (requests[index] == MPI_REQUEST_NULL) return index;
    int larger = capacity == 0 ? 64 : 2 * capacity;
    MPI_Request *grown = realloc(requests, (size_t)larger * sizeof *grown);
    if (grown == NULL) abort();
    requests = grown;
    for (int index = capacity; index < larger; index++) requests[index] = MPI_REQUEST_NULL;
    int first = capacity;
    capacity = larger;
    return first;
}

int bertc_mpi_send(const void *bytes, int count, int rank, int tag, int *transfer) {
    *transfer = slot();
    return MPI_Isend(bytes, count, MPI_BYTE, rank, tag, MPI_COMM_WORLD, &requests[*transfer]);
}

int bertc_mpi_receive(void *bytes, int count, int rank, int tag, int *transfer) {
    *transfer = slot();
    return MPI_Irecv(bytes, count, MPI_BYTE, rank, tag, MPI_COMM_WORLD, &requests[*transfer]);
}

int bertc_mpi_test(int transfer, int *done) {
    return MPI_Test(&requests[transfer], done, MPI_STATUS_IGNORE);
}

void bertc_mpi_abort(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

int bertc_mpi_finish(void) { return MPI_Finalize(); }

void bertc_mpi_message(int code, char *text, int capacity) {
    char words[MPI_MAX_ERROR_STRING + 1];
    int count = 0;
    if (MPI_Error_string(code, words, &count) != MPI_SUCCESS) count = 0;
    words[count] = 0;
    strncpy(text, words, (size_t)capacity - 1);
    text[capacity - 1] = 0;
}

#endif
