#include "ops/matrix.h"
#include "ops/workers.h"
