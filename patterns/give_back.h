#pragma once

namespace peal::patterns {

/// Empties a container and returns its memory, which `= {}` does not do for vectors.
template <typename Container>
void GiveBack(Container& container) {
  Container empty;
  container.swap(empty);
}

}  // namespace peal::patterns
