import CExplorerShims
import Glibc
import Testing

@testable import Explorer

/// SplitMix64: a fixed seed gives the same states on every run.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Reserves for one state, hashes and inserts it.
private func add(
  _ state: [UInt64], to store: inout StateStore, parent: UInt32 = StateStore.noParent,
  ordinal: UInt16 = 0
) throws -> Bool {
  try store.reserve(additional: 1)
  let hash = StateStore.hash(state, words: store.words)
  store.prefetch(hash)
  return store.insert(state, hash: hash, parent: parent, ordinal: ordinal)
}

/// All states of a store.
private func contents(_ store: borrowing StateStore) -> [[UInt64]] {
  let words = store.words
  var all: [[UInt64]] = []
  store.forEachState { p in
    all.append(Array(UnsafeBufferPointer(start: p, count: words)))
    return true
  }
  return all
}

@Suite("State store")
struct StateStoreTests {
  /// Few bits a word give many duplicates; all bits exercise long keys. Both cross several growths.
  @Test("agrees with Set on random states", arguments: [1, 2, 3, 5], [5, 12, 63])
  func randomAgainstSet(words: Int, bits: UInt64) throws {
    var random = SplitMix(state: UInt64(words) &* 1000 &+ bits)
    var store = try StateStore(words: words)
    var reference: Set<[UInt64]> = []
    var disagreements = 0
    for _ in 0..<40_000 {
      let state = (0..<words).map { _ in random.next() & ((1 << bits) - 1) }
      let isNew = try add(state, to: &store)
      if isNew != reference.insert(state).inserted { disagreements += 1 }
    }
    #expect(disagreements == 0)
    #expect(store.count == reference.count)
    let all = contents(store)
    #expect(all.count == reference.count)
    #expect(Set(all) == reference)
    for state in reference.prefix(2_000) where !store.contains(state) { disagreements += 1 }
    for _ in 0..<2_000 {
      let state = (0..<words).map { _ in random.next() & ((1 << bits) - 1) }
      if store.contains(state) != reference.contains(state) { disagreements += 1 }
    }
    #expect(disagreements == 0)
  }

  @Test("bits other than bit 63 of word 0 are free", arguments: [1, 2, 3])
  func extremeStates(words: Int) throws {
    var store = try StateStore(words: words)
    let zero = [UInt64](repeating: 0, count: words)
    var ones = [UInt64](repeating: .max, count: words)
    ones[0] = .max >> 1
    for state in [zero, ones] {
      // In steps of their own: `#expect` cannot take a call on a noncopyable value apart.
      let before = store.contains(state)
      let first = try add(state, to: &store)
      let second = try add(state, to: &store)
      let after = store.contains(state)
      #expect(!before && first && !second && after)
    }
    #expect(Set(contents(store)) == [zero, ones])
  }

  @Test("states that differ in one word only are different", arguments: [2, 3, 4])
  func oneWordApart(words: Int) throws {
    var store = try StateStore(words: words)
    for word in 0..<words {
      for value in 1...200 as ClosedRange<UInt64> {
        var state = [UInt64](repeating: 0, count: words)
        state[word] = value
        #expect(try add(state, to: &store))
      }
    }
    #expect(store.count == 200 * words)
  }

  @Test("keeps every state across each doubling", arguments: [1, 3])
  func growthBoundaries(words: Int) throws {
    var store = try StateStore(words: words)
    var tables: Set<Int> = []
    for value in 0..<60_000 as Range<UInt64> {
      let before = store.mask
      let full = store.count == store.limit
      let state = [value] + [UInt64](repeating: 7, count: words - 1)
      if try !add(state, to: &store) { Issue.record("\(value) is not new") }
      if store.mask != before {
        #expect(full, "the table grew before it was full")
        #expect(store.mask == before * 2 + 1)
        #expect(contents(store).count == store.count)
        tables.insert(Int(store.mask))
      }
    }
    #expect(tables.count >= 3)
    for value in 0..<60_000 as Range<UInt64> {
      let found = store.contains([value] + [UInt64](repeating: 7, count: words - 1))
      if !found { Issue.record("lost \(value)") }
    }
  }

  /// Big enough for huge pages and for old pages to be given back while the table moves.
  @Test("one reservation may grow the table many times over", arguments: [1, 3])
  func bigReservation(words: Int) throws {
    var store = try StateStore(words: words)
    let tail = [UInt64](repeating: .max, count: words - 1)
    for round in 0..<3 as Range<UInt64> {
      let predicted = store.residentBytes(afterReserving: 500_000)
      try store.reserve(additional: 500_000)
      #expect(store.residentBytes == predicted)
      let limit = store.limit
      var state = [0] + tail
      var allNew = true
      for value in 0..<500_000 as Range<UInt64> {
        state[0] = round << 32 | value
        let hash = StateStore.hash(state, words: words)
        allNew = store.insert(state, hash: hash, parent: 0, ordinal: 0) && allNew
      }
      #expect(allNew && store.limit == limit)
    }
    #expect(store.count == 1_500_000)
    var first: Set<UInt64> = []
    store.forEachState { state in
      first.insert(state[0])
      return state[words - 1] == (words == 1 ? state[0] : .max)
    }
    #expect(first.count == 1_500_000)
  }

  @Test("finds colliding states, also around the end of the table")
  func collisions() throws {
    var store = try StateStore(words: 2)
    try store.reserve(additional: 1_000)
    for hash in [UInt64.max, 0, 1 << 63] {
      for value in 0..<300 as Range<UInt64> {
        let state = [value, hash]
        let first = store.insert(state, hash: hash, parent: 0, ordinal: 0)
        let second = store.insert(state, hash: hash, parent: 0, ordinal: 0)
        #expect(first && !second)
      }
    }
    #expect(store.count == 900)
    #expect(Set(contents(store)).count == 900)
  }

  @Test("gives back the links by id")
  func links() throws {
    var store = try StateStore(words: 1)
    for id in 0..<100_000 {
      let parent = id == 0 ? StateStore.noParent : UInt32(id / 2)
      let ordinal = UInt16(truncatingIfNeeded: id &* 7)
      let isNew = try add([UInt64(id)], to: &store, parent: parent, ordinal: ordinal)
      // A second visit must not replace the first link.
      let again = try add([UInt64(id)], to: &store, parent: 99, ordinal: 99)
      if !isNew || again || store.count != id + 1 { Issue.record("id \(id)") }
    }
    #expect(store.link(of: 0).parent == StateStore.noParent)
    for id in 1..<100_000 {
      let expected = (parent: UInt32(id / 2), ordinal: UInt16(truncatingIfNeeded: id &* 7))
      if store.link(of: id) != expected { Issue.record("link of \(id)") }
    }
  }

  @Test("forEachState stops on false and passes errors on")
  func iterationEnds() throws {
    struct Stop: Error {}
    var store = try StateStore(words: 2)
    store.forEachState { _ in
      Issue.record("an empty store has no state")
      return true
    }
    for value in 0..<10 as Range<UInt64> { _ = try add([value, value], to: &store) }
    var seen = 0
    store.forEachState { _ in
      seen += 1
      return seen < 4
    }
    #expect(seen == 4)
    var thrown = false
    do throws(Stop) {
      try store.forEachState { _ throws(Stop) in throw Stop() }
    } catch {
      thrown = true
    }
    #expect(thrown)
  }

  /// A random function sends 4,096 states to 63.2 % of 4,096 buckets: 2,589, with a deviation of
  /// 31.
  @Test("the top bits of the hash spread states that differ in any 12 bits", arguments: [1, 2, 3])
  func hashSpreads(words: Int) {
    let bits = words * 64
    var random = SplitMix(state: UInt64(words))
    var choices = stride(from: 0, through: bits - 12, by: 4).map { Array($0..<($0 + 12)) }
    for _ in 0..<40 { choices.append(Array((0..<bits).shuffled(using: &random).prefix(12))) }
    for chosen in choices {
      var isUsed = [Bool](repeating: false, count: 1 << 12)
      var state = [UInt64](repeating: 0, count: words)
      for step in 1...(1 << 12) {
        isUsed[Int(StateStore.hash(state, words: words) >> 52)] = true
        // A Gray code: each step flips one of the chosen bits.
        let bit = chosen[min(step.trailingZeroBitCount, 11)]
        state[bit / 64] ^= 1 << UInt64(bit % 64)
      }
      let used = isUsed.count { $0 }
      if used < 2_300 { Issue.record("bits \(chosen): \(used) buckets") }
    }
  }

  @Test("what cannot be mapped is a typed error and leaves the store as it was")
  func failures() throws {
    #expect(throws: StoreError.self) { _ = try StateStore(words: 1 << 45) }
    #expect(throws: StoreError.outOfMemory(bytes: .max)) { _ = try StateStore(words: 1 << 58) }
    var store = try StateStore(words: 1)
    #expect(try add([5], to: &store))
    var error: StoreError?
    do { try store.reserve(additional: .max) } catch let caught { error = caught }
    #expect(error == .tooManyStates(limit: StateStore.maximumCount))
    let predicted = store.residentBytes(afterReserving: .max)
    #expect(predicted == .max)

    let words = 1 << 16
    var wide = try StateStore(words: words)
    let state = [UInt64](repeating: 3, count: words)
    #expect(try add(state, to: &wide))
    error = nil
    do { try wide.reserve(additional: 4_000_000_000) } catch let caught { error = caught }
    guard case .outOfMemory = error else {
      Issue.record("expected outOfMemory, got \(String(describing: error))")
      return
    }
    let kept = wide.contains(state)
    let again = try add(state, to: &wide)
    #expect(kept && !again && wide.count == 1)
  }
}

@Suite("Frontier")
struct FrontierTests {
  @Test("keeps the order of appending", arguments: [1, 2, 3])
  func order(words: Int) throws {
    var frontier = try Frontier(words: words)
    let isEmpty = frontier.isEmpty
    #expect(isEmpty)
    for value in 0..<50_000 as Range<UInt64> {
      try frontier.reserve(additional: 1)
      frontier.append((0..<words).map { value * 10 + UInt64($0) })
    }
    #expect(frontier.count == 50_000)
    for index in 0..<50_000 {
      for word in 0..<words {
        let read = frontier.state(at: index)[word]
        if read != UInt64(index * 10 + word) { Issue.record("state \(index), word \(word)") }
      }
    }
  }

  @Test("release keeps what was not read", arguments: [1, 3, 5])
  func release(words: Int) throws {
    var frontier = try Frontier(words: words)
    let total = 700_000
    for level in 1...2 as ClosedRange<UInt64> {
      try frontier.reserve(additional: total)
      for value in 0..<total {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { state in
          state.initialize(repeating: UInt64(value) * level)
          frontier.append(state.baseAddress!)
        }
      }
      let full = frontier.residentBytes
      #expect(full == total * words * 8)
      for index in 0..<total {
        let state = frontier.state(at: index)
        let expected = UInt64(index) * level
        if state[0] != expected || state[words - 1] != expected { Issue.record("state \(index)") }
        if index % 64 == 63 { frontier.release(before: index + 1) }
      }
      #expect(frontier.residentBytes < 2 << 20)
      frontier.removeAll(keepingCapacity: level == 1)
      #expect(frontier.isEmpty && frontier.residentBytes == 0)
    }
  }

  @Test("release lowers the resident set")
  func releaseFreesPages() throws {
    var frontier = try Frontier(words: 1)
    let total = 8 << 20
    try frontier.reserve(additional: total)
    var value: UInt64 = 0
    for _ in 0..<total {
      frontier.append(&value)
      value += 1
    }
    let base = UnsafeRawPointer(frontier.state(at: 0))
    frontier.release(before: total / 2)
    let pages = total * 8 / tdxs_page_bytes()
    var present = [UInt8](repeating: 0, count: pages)
    #expect(mincore(UnsafeMutableRawPointer(mutating: base), total * 8, &present) == 0)
    #expect(present[..<(pages / 2)].allSatisfy { $0 & 1 == 0 })
    #expect(present[(pages / 2)...].allSatisfy { $0 & 1 == 1 })
    #expect(frontier.state(at: total / 2)[0] == UInt64(total / 2))
  }

  @Test("an impossible reservation is a typed error")
  func failure() throws {
    var frontier = try Frontier(words: 2)
    for additional in [1 << 50, Int.max] {
      var error: StoreError?
      do { try frontier.reserve(additional: additional) } catch let caught { error = caught }
      guard case .outOfMemory = error else {
        Issue.record("expected outOfMemory, got \(String(describing: error))")
        continue
      }
    }
    try frontier.reserve(additional: 1)
    frontier.append([1, 2])
    #expect(frontier.state(at: 0)[1] == 2)
  }
}

@Suite("Explorer shims", .serialized)
struct ExplorerShimTests {
  @Test("the peak resident set is at least what was touched")
  func peak() {
    let bytes = 64 << 20
    let block = tdxs_map(bytes, 1)
    #expect(block != nil && UInt(bitPattern: block) % UInt(TDXS_HUGE_PAGE_BYTES) == 0)
    guard let block else { return }
    memset(block, 1, bytes)
    #expect(tdxs_peak_rss_bytes() >= UInt64(bytes))
    tdxs_unmap(block, bytes)
  }

  @Test("the first signal sets the flag, the second ends the process")
  func interrupt() async {
    // In child processes: the flag and the handlers are one a process, and other tests run
    // searches. `kill`, not `raise`: the threads of the concurrency pool block signals, the main
    // thread does not.
    await #expect(processExitsWith: .exitCode(7)) {
      for signal in [SIGINT, SIGTERM] {
        guard tdxs_interrupted() == 0, tdxs_install_sigint() == 0 else { exit(1) }
        kill(getpid(), signal)
        for _ in 0..<1_000 where tdxs_interrupted() == 0 { usleep(10_000) }
        guard tdxs_interrupted() != 0 else { exit(2) }
        tdxs_clear_interrupt()
      }
      exit(7)
    }
    await #expect(processExitsWith: .signal(SIGINT)) {
      guard tdxs_install_sigint() == 0 else { exit(1) }
      kill(getpid(), SIGTERM)
      for _ in 0..<1_000 where tdxs_interrupted() == 0 { usleep(10_000) }
      kill(getpid(), SIGINT)
      sleep(10)
    }
  }
}
