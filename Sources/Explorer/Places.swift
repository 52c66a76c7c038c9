import CExplorerShims

/// The states of a finished search by *place*: the slot of the table that holds a state.
///
/// A place names a state in both directions without further memory, which the ids of the store do
/// not. Places depend on nothing but the search, so they are the same in every run. Valid as long
/// as the store is neither written nor freed.
struct Places {
  private let table: UnsafeMutablePointer<UInt64>
  private let mask: UInt64
  private let shift: UInt64
  let words: Int

  init(_ store: borrowing StateStore) {
    table = store.table
    mask = store.mask
    shift = store.shift
    words = store.words
  }

  /// Every place is below this number; more places than states are empty or in use.
  var count: Int { Int(mask) + 1 }

  /// Starts loading the place of a state with this hash into the cache.
  @inline(__always)
  func prefetch(_ hash: UInt64) {
    tdxs_prefetch(table + Int(truncatingIfNeeded: hash &>> shift) &* words)
  }

  /// The place of a state, or -1 when it was never found. Expected O(words).
  @inline(__always)
  func find(_ state: UnsafePointer<UInt64>, hash: UInt64) -> Int {
    let key = state[0] | StateStore.mark
    var index = hash &>> shift
    while true {
      let place = Int(truncatingIfNeeded: index)
      let entry = table + place &* words
      if entry[0] == 0 { return -1 }
      if entry[0] == key {
        var word = 1
        while word < words, entry[word] == state[word] { word &+= 1 }
        if word >= words { return place }
      }
      index = (index &+ 1) & mask
    }
  }

  func find(_ state: UnsafePointer<UInt64>) -> Int {
    find(state, hash: StateStore.hash(state, words: words))
  }

  /// Copies the state at a place; false when the place is empty.
  @inline(__always)
  func load(_ place: Int, into state: UnsafeMutablePointer<UInt64>) -> Bool {
    let entry = table + place &* words
    if entry[0] == 0 { return false }
    state[0] = entry[0] & ~StateStore.mark
    var word = 1
    while word < words {
      state[word] = entry[word]
      word &+= 1
    }
    return true
  }
}
