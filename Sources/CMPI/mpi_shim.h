// MPI's header, where pkg-config says that it is.
#include <mpi.h>
