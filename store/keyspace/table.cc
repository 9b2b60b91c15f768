#include "store/keyspace/table.h"

namespace peal::store {

template class BucketTable<EntryTraits>;

}  // namespace peal::store
