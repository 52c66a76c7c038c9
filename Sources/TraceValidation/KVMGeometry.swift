/// The GPA space and the files of a sequence, cut into intervals that every call treats alike.
struct KVMGeometry: Sendable {
  /// An interval in bytes.
  struct Interval: Hashable, Sendable {
    let start: UInt64
    let end: UInt64
    var pages: Int { Int((end - start) >> 12) }
  }

  private(set) var pages: [Interval] = []
  private(set) var files: [String: [Interval]] = [:]
  /// For each level from 1 on: the table above each page.
  private(set) var tables: [[Int]] = []
  private(set) var tableCount = 4

  /// A memslot with a memfd.
  private struct Binding {
    let gpa: UInt64
    let size: UInt64
    let file: String
    let offset: UInt64
  }

  private var gpaRanges: [Interval] = []
  /// Ranges whose pages are added or faulted in.
  private var mapped: [Interval] = []
  private var gpaCuts: Set<UInt64> = []
  private var fileRanges: [String: [Interval]] = [:]
  private var fileCuts: [String: Set<UInt64>] = [:]
  private var bindings: [Binding] = []
  private let splitsFirstPage: Bool
  /// Also what a guest at its reset vector and user space touch, and the contents of `buf`.
  private let followsContents: Bool
  private var memory = HostMemory()

  /// - Parameter followsContents: pages that are accessed by a byte are intervals of their own.
  init(_ steps: [KVMStep], followsContents: Bool = false) {
    self.followsContents = followsContents
    splitsFirstPage = steps.contains { $0.op == "standin_fail" }
    for step in steps {
      note(step)
      if followsContents { noteContents(step) }
    }
    if !followsContents { cutAtTables() }
    spread()
    pages = Self.intervals(gpaRanges, gpaCuts)
    for (file, ranges) in fileRanges {
      files[file] = Self.intervals(ranges, fileCuts[file] ?? [])
    }
    numberTables()
  }

  private mutating func note(_ step: KVMStep) {
    switch step.op {
    case "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_USER_MEMORY_REGION": noteSlot(step)
    case "KVM_SET_MEMORY_ATTRIBUTES": noteRange(step.number("gpa"), step.number("size"))
    case "KVM_PRE_FAULT_MEMORY":
      if noteRange(step.number("gpa"), step.number("size")) {
        gpaRanges.last.map { mapped.append($0) }
      }
    case "KVM_TDX_INIT_MEM_REGION":
      let (size, wraps) = (step.number("nr_pages") ?? 0).multipliedReportingOverflow(by: 4096)
      // A range that is refused before a page of it is looked at needs no cuts.
      guard !wraps, let gpa = step.number("gpa"), noteRange(gpa, size) else { return }
      gpaRanges.last.map { mapped.append($0) }
      let readable = BufferPlace(step.text("source")).mapped(of: size)
      if readable > 0, readable < size { gpaCuts.insert(gpa &+ readable) }
    case "fallocate": noteExtent(step.on, step.number("offset"), step.number("len"))
    case "standin_script":
      guard case .list(let exit)? = step.arguments["exit"], exit.count > 3,
        exit[0].text == "0x30", let gpa = exit[3].unsigned
      else { return }
      noteRange(KVMGeometry.withoutShared(gpa, exit[1].unsigned), 4096)
    default: return
    }
  }

  /// Where a guest fetches its first instruction, and where one of zeroes stores to.
  static let resetPage: UInt64 = 0xffff_f000
  static let storedPage: UInt64 = 0

  private mutating func noteContents(_ step: KVMStep) {
    switch step.op {
    case "KVM_RUN":
      noteRange(Self.resetPage, 4096)
      noteRange(Self.storedPage, 4096)
    case "touch":
      if let place = memory.place(step) { noteExtent(place.file, place.offset & ~4095, 4096) }
    case "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_USER_MEMORY_REGION":
      guard let gpa = step.number("gpa"), let size = step.number("size"), size > 0 else { return }
      for bytes in [
        memory.readable(step.text("hva"), size), memory.halting(step.text("hva"), size),
      ] where bytes > 0 && bytes < size && gpa % 4096 == 0 && bytes % 4096 == 0 {
        gpaCuts.insert(gpa &+ bytes)
      }
    default: break
    }
    memory.note(step)
  }

  /// The GPA of an access that may have a shared bit.
  static func withoutShared(_ gpa: UInt64, _ qualification: UInt64?) -> UInt64 {
    (gpa & ~(1 << 47 | 1 << 51)) & ~4095
  }

  private mutating func noteSlot(_ step: KVMStep) {
    guard let gpa = step.number("gpa"), let size = step.number("size"), size > 0 else { return }
    guard noteRange(gpa, size) else { return }
    let mapped = BufferPlace(step.text("hva")).mapped(of: size)
    if mapped > 0, mapped < size, !followsContents { gpaCuts.insert(gpa &+ mapped) }
    // A call that was refused before KVM looked at what the file is bound to needs no cuts.
    guard step.ret == 0 || step.errno == "EEXIST" || followsContents else { return }
    guard let file = step.text("gmem"), let offset = step.number("gmem_offset"),
      offset % 4096 == 0, !offset.addingReportingOverflow(size).overflow
    else { return }
    if step.ret == 0 || !followsContents {
      bindings.append(Binding(gpa: gpa, size: size, file: file, offset: offset))
    }
    noteExtent(file, offset, size)
  }

  /// The interval of a file that has the offset.
  func index(of file: String, at offset: UInt64) -> Int? {
    files[file]?.firstIndex { $0.start <= offset && offset < $0.end }
  }

  @discardableResult
  private mutating func noteRange(_ start: UInt64?, _ size: UInt64?) -> Bool {
    guard let start, let size, size > 0, start % 4096 == 0, size % 4096 == 0,
      !start.addingReportingOverflow(size).overflow
    else { return false }
    gpaRanges.append(Interval(start: start, end: start + size))
    gpaCuts.formUnion([start, start + size])
    if splitsFirstPage { gpaCuts.insert(start + 4096) }
    return true
  }

  private mutating func noteExtent(_ file: String, _ start: UInt64?, _ size: UInt64?) {
    guard let start, let size, size > 0, start % 4096 == 0, size % 4096 == 0,
      !start.addingReportingOverflow(size).overflow
    else { return }
    fileRanges[file, default: []].append(Interval(start: start, end: start + size))
    fileCuts[file, default: []].formUnion([start, start + size])
    if splitsFirstPage { fileCuts[file, default: []].insert(start + 4096) }
  }

  /// Where a range that is mapped goes on to another table of the secure EPT, an interval ends.
  private mutating func cutAtTables() {
    for range in mapped {
      for binding in bindings {
        let end = min(range.end, binding.gpa + binding.size)
        var cut = (max(range.start, binding.gpa) >> 21 + 1) << 21
        while cut < end {
          gpaCuts.insert(cut)
          cut += 1 << 21
        }
      }
    }
  }

  /// Cuts of a file are cuts of the GPA space that it backs, and the other way round.
  private mutating func spread() {
    var isStable = false
    while !isStable {
      let before = gpaCuts.count + fileCuts.values.reduce(0) { $0 + $1.count }
      for binding in bindings {
        let there = gpaCuts.filter { $0 > binding.gpa && $0 < binding.gpa + binding.size }
        let here = (fileCuts[binding.file] ?? []).filter {
          $0 > binding.offset && $0 < binding.offset + binding.size
        }
        fileCuts[binding.file, default: []].formUnion(
          there.map { $0 - binding.gpa + binding.offset })
        gpaCuts.formUnion(here.map { $0 - binding.offset + binding.gpa })
      }
      isStable = before == gpaCuts.count + fileCuts.values.reduce(0) { $0 + $1.count }
    }
  }

  /// What lies between neighbouring cuts, where some range covers it.
  private static func intervals(_ ranges: [Interval], _ cuts: Set<UInt64>) -> [Interval] {
    let sorted = cuts.sorted()
    return zip(sorted, sorted.dropFirst()).compactMap { start, end in
      ranges.contains { $0.start <= start && end <= $0.end }
        ? Interval(start: start, end: end) : nil
    }
  }

  private mutating func numberTables() {
    var numbers: [UInt64: Int] = [:]
    for level in 1...4 {
      tables.append(
        pages.map { page in
          let key = (page.start >> (12 + 9 * UInt64(level))) << 3 | UInt64(level)
          if let known = numbers[key] { return known }
          numbers[key] = numbers.count
          return numbers.count - 1
        })
    }
    tableCount = max(4, numbers.count)
  }

  /// The pages of a range, as a set.
  func pages(_ start: UInt64, _ size: UInt64) -> Int { Self.mask(pages, start, size) }

  /// The intervals of a file, as a set.
  func extent(_ file: String, _ start: UInt64, _ size: UInt64) -> Int {
    Self.mask(files[file] ?? [], start, size)
  }

  private static func mask(_ intervals: [Interval], _ start: UInt64, _ size: UInt64) -> Int {
    let (sum, wraps) = start.addingReportingOverflow(size)
    let end = wraps ? UInt64.max : sum
    var mask = 0
    for (number, interval) in intervals.enumerated()
    where interval.start >= start && interval.end <= end && number < 62 {
      mask |= 1 << number
    }
    return mask
  }

  /// How far the intervals of a file lie from those of the GPAs that it backs.
  func shift(_ gpa: UInt64, _ file: String, _ offset: UInt64) -> Int? {
    guard let page = pages.firstIndex(where: { $0.start == gpa }),
      let index = files[file]?.firstIndex(where: { $0.start == offset })
    else { return nil }
    return index - page
  }

  /// The page that has the GPA.
  func page(at gpa: UInt64) -> Int? {
    pages.firstIndex { $0.start <= gpa && gpa < $0.end }
  }

  /// Where the table of a level above a GPA begins.
  static func tableStart(_ gpa: UInt64, level: Int) -> UInt64 {
    let shift = 12 + 9 * UInt64(level)
    return (gpa >> shift) << shift
  }
}
