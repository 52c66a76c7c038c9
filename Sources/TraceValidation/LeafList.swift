import SpecProgram

/// Reads the list of SEAMCALLs off the steps that a call takes.
///
/// A step on an interval of pages stands for one on each page: what a loop does with an interval
/// is repeated, but tables are added for its first page only.
struct LeafList {
  private let replay: KVMReplay
  private let fallback: Int?
  private var list: [ListedLeaf] = []
  /// What was done so far with the interval that the loop is at.
  private var group: [ListedLeaf] = []
  private var page: Int?
  private var hasEntered = false

  init(replay: KVMReplay, page: Int?) {
    self.replay = replay
    fallback = page
  }

  /// Leaves that belong to a page.
  private static let ofPages: Set<String> =
    ListedLeaf.placed.union(["TDH.MEM.TRACK", "TDH.MR.EXTEND"])

  mutating func add(_ step: TakenStep) {
    guard step.label.hasPrefix("TDH.") else { return }
    let words = step.label.split(separator: " ", maxSplits: 1)
    let leaf = String(words[0])
    let detail = words.count > 1 ? String(words[1]) : ""
    if leaf == "TDH.VP.ENTER" { return enter() }
    let isOfPage = Self.ofPages.contains(leaf) || detail == "of the page"
    let at = isOfPage ? fallback ?? step.element : nil
    if at != page { flush() }
    page = at
    for status in statuses(leaf, step) {
      group.append(ListedLeaf(leaf: leaf, status: status, gpa: gpa(leaf, detail, at)))
    }
    let isLast = leaf == "TDH.PHYMEM.PAGE.WBINVD" || !isOfPage
    if isLast { flush() }
  }

  private mutating func enter() {
    flush()
    var status = KVMReplay.plainExit
    if !hasEntered, case .list(let exit)? = replay.script, let first = exit.first?.text {
      status = first
    }
    hasEntered = true
    list.append(ListedLeaf(leaf: "TDH.VP.ENTER", status: status, gpa: nil))
  }

  /// What the calls of one step answered: entropy is waited for up to ten times (kvm-tdx §1.6).
  private func statuses(_ leaf: String, _ step: TakenStep) -> [String] {
    guard let number = replay.variables.number(of: leaf) else { return ["ok"] }
    let cell = replay.variables.injected[replay.variables.count(number)]
    let used = step.before[cell] - step.after[cell]
    let bad = replay.statuses[leaf] ?? "?"
    guard used > 0 else { return ["ok"] }
    let kind = step.before[replay.variables.injected[number]]
    let failed = [String](repeating: bad, count: used)
    return kind == replay.variables.noEntropy && used < 10 ? failed + ["ok"] : failed
  }

  private func gpa(_ leaf: String, _ detail: String, _ page: Int?) -> UInt64? {
    guard ListedLeaf.placed.contains(leaf), let page,
      replay.calls.geometry.pages.indices.contains(page)
    else { return nil }
    let start = replay.calls.geometry.pages[page].start
    guard leaf == "TDH.MEM.SEPT.ADD", let digit = detail.last(where: \.isNumber),
      let level = digit.wholeNumberValue
    else { return start }
    return KVMGeometry.tableStart(start, level: level)
  }

  private mutating func flush() {
    defer { group = [] }
    guard let page, replay.calls.geometry.pages.indices.contains(page) else {
      list += group
      return
    }
    let isFault = fallback != nil
    let count = isFault ? 1 : replay.calls.geometry.pages[page].pages
    let tables = group.prefix { $0.leaf == "TDH.MEM.SEPT.ADD" }
    list += tables
    let rest = group.dropFirst(tables.count)
    guard !rest.isEmpty else { return }
    for number in 0..<count {
      list += rest.map {
        ListedLeaf(
          leaf: $0.leaf, status: $0.status, gpa: $0.gpa.map { $0 + UInt64(number) << 12 })
      }
    }
  }

  mutating func finished() -> [ListedLeaf] {
    flush()
    return list
  }
}
