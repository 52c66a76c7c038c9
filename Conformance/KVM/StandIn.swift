import ConformanceKit
import Glibc

/// The stand-in for the TDX module of a kernel made for tests: its log of SEAMCALLs and what it
/// shall answer.
struct StandIn: Sendable {
  /// Where kernels have it: those of `tdxspec kernel build`, and others.
  private static let folders = ["standin-tdx", "faketdx"].map { "/sys/kernel/debug/\($0)" }
  private let folder: String

  /// Nil where the kernel has none, or not for this user.
  init?() {
    let found = Self.folders.first { access($0 + "/log", R_OK | W_OK) == 0 }
    guard let found else { return nil }
    folder = found
  }

  /// The leaves that can be told to fail, by number.
  static let leaves: [String: Int] = [
    "TDH.VP.ENTER": 0, "TDH.MNG.ADDCX": 1, "TDH.MEM.PAGE.ADD": 2, "TDH.MEM.SEPT.ADD": 3,
    "TDH.VP.ADDCX": 4, "TDH.MEM.PAGE.AUG": 6, "TDH.MEM.RANGE.BLOCK": 7, "TDH.MNG.KEY.CONFIG": 8,
    "TDH.MNG.CREATE": 9, "TDH.VP.CREATE": 10, "TDH.MNG.RD": 11, "TDH.MR.EXTEND": 16,
    "TDH.MR.FINALIZE": 17, "TDH.VP.FLUSH": 18, "TDH.MNG.VPFLUSHDONE": 19,
    "TDH.MNG.KEY.FREEID": 20, "TDH.MNG.INIT": 21, "TDH.VP.INIT": 22,
    "TDH.PHYMEM.PAGE.RECLAIM": 28, "TDH.MEM.PAGE.REMOVE": 29, "TDH.MEM.TRACK": 38,
    "TDH.PHYMEM.CACHE.WB": 40, "TDH.PHYMEM.PAGE.WBINVD": 41, "TDH.VP.WR": 43,
  ]

  func clearLog() { write("log", "\n") }

  /// The SEAMCALLs since the log was cleared, as tests compare them.
  var seamcalls: SeamcallList {
    var list = SeamcallList()
    for line in KernelFile.read(folder + "/log").split(separator: UInt8(ascii: "\n")) {
      let words = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard words.count >= 3, let status = words.last else { continue }
      let leaf = words[2].map { $0 == "_" ? "." : $0 }
      let operand = words.first { $0.hasPrefix("rcx=") }
      let gpa = operand.flatMap { UInt64($0.dropFirst(4), radix: 16) }
      list.add(
        String(leaf), status: status == "0" ? "ok" : "0x\(status)", gpa: gpa.map { $0 & ~0xFFF })
    }
    return list
  }

  /// The next so many calls of a leaf answer the status and do nothing.
  func fail(_ leaf: Int, count: UInt64, status: UInt64) {
    write("fail", "\(leaf) \(count) \(String(status, radix: 16))\n")
  }

  /// Whether calls of a leaf can be made to wait.
  var canDelay: Bool { access(folder + "/delay", W_OK) == 0 }

  /// The next so many calls of a leaf take so long, at most a second each.
  func delay(_ leaf: Int, count: UInt64, microseconds: UInt64) {
    write("delay", "\(leaf) \(count) \(microseconds)\n")
  }

  /// What the next TDH.VP.ENTER returns, a line of registers each; none for a triple fault.
  func setScript(_ lines: [[UInt64]]) {
    let text = lines.map { $0.map { String($0, radix: 16) }.joined(separator: " ") }
    write("script", text.joined(separator: "\n") + "\n")
  }

  /// Takes back what tests set.
  func restore() {
    for leaf in Self.leaves.values { fail(leaf, count: 0, status: 0) }
    if canDelay { for leaf in Self.leaves.values { delay(leaf, count: 0, microseconds: 0) } }
    setScript([])
  }

  private func write(_ file: String, _ text: String) {
    guard let opened = Descriptor(path: folder + "/" + file, flags: O_WRONLY) else { return }
    LineWriter(opened.number).write(Array(text.utf8))
  }
}

extension TestProcess {
  /// What a test sets in the stand-in.
  func control(_ given: CallArguments) throws(BackendError) -> CallResult {
    guard let standIn else {
      throw BackendError(.unknownCall, "\(given.call.name): this kernel has no stand-in module")
    }
    switch given.call.name {
    case "standin_fail":
      standIn.fail(
        try leaf(given), count: try given.word("count"), status: try given.word("status"))
    case "standin_delay":
      guard standIn.canDelay else {
        throw BackendError(.unknownCall, "standin_delay: this kernel's stand-in has no delays")
      }
      standIn.delay(
        try leaf(given), count: try given.word("count"),
        microseconds: try given.word("microseconds"))
    default:
      // The script is RET RCX RDX R8 R9 R10 R11 R12, which is its order in the file too.
      standIn.setScript([try given.words("exit")])
    }
    return Self.result(0)
  }

  private func leaf(_ given: CallArguments) throws(BackendError) -> Int {
    guard let leaf = StandIn.leaves[given.text("leaf") ?? ""] else {
      throw given.wrong("leaf", "a leaf that can fail")
    }
    return leaf
  }
}

/// Files that the kernel writes when they are read.
enum KernelFile {
  /// Everything in it; nothing when it cannot be opened.
  static func read(_ path: String) -> [UInt8] {
    guard let opened = Descriptor(path: path, flags: O_RDONLY) else { return [] }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(opened.number, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return all }
      all += chunk[..<count]
    }
  }

  static func text(_ path: String) -> String {
    String(decoding: read(path), as: UTF8.self)
  }
}
