#include "broker/keyspace/field_expiry.h"

#include <span>
#include <string>
#include <vector>

namespace peal::broker {

size_t ExpireFields(Unit& unit, std::string_view key, Found<store::HashValue>& found,
                    size_t max_fields) {
  if (!found || !found.value->HasExpired(unit.now_ms()) || unit.IsExpiryOnHold()) return 0;
  std::vector<std::string> fields;
  Edit<store::HashValue> edit(unit, key, found);
  edit->RemoveExpired(unit.now_ms(), max_fields, fields);
  const bool is_gone = edit.Commit(0);
  if (is_gone) found = {};
  unit.CountExpiredFields(fields.size());
  unit.Notify(kNotifyHash, "hexpired", key);
  if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
  if (unit.collects_effects()) {
    std::vector<std::string_view> effect = {"HDEL", key};
    effect.insert(effect.end(), fields.begin(), fields.end());
    unit.Replicate(std::span<const std::string_view>(effect));
  }
  return fields.size();
}

}  // namespace peal::broker
