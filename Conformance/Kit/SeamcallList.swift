/// The SEAMCALLs that a call to KVM made, as tests compare them: `written["seamcalls"]`.
///
/// A text a SEAMCALL: the leaf, for leaves on an entry of the secure EPT the GPA, and the status
/// unless it is 0: `TDH.MEM.PAGE.ADD 0x1000`, `TDH.MEM.TRACK 0x8000020000000000`. Reads and writes
/// of fields are left out, and so are repeats of leaves whose number only says how large the
/// module's control structures are, what a test itself had TDH.VP.ENTER return, and the GPA of a
/// call that is made again for lack of entropy: its operands are what the failed one left.
public struct SeamcallList: Sendable {
  /// What tests call the list.
  public static let name = "seamcalls"

  private var texts: [String] = []
  private var last: String?
  private var lastLeaf: String?
  /// The last one failed for lack of entropy.
  private var isRetry = false

  /// No SEAMCALL.
  public init() {}

  /// Adds the next one.
  ///
  /// - Parameters:
  ///   - leaf: its name, such as `TDH.MEM.PAGE.ADD`.
  ///   - status: `ok`, or the status in hexadecimal.
  ///   - gpa: the GPA of its first operand, in bytes; looked at for leaves on an entry only.
  public mutating func add(_ leaf: String, status: String, gpa: UInt64?) {
    guard !Self.fields.contains(leaf) else { return }
    var text = leaf
    if Self.placed.contains(leaf), !(isRetry && leaf == lastLeaf), let gpa {
      text += " 0x" + String(gpa, radix: 16)
    }
    if status != "ok", leaf != "TDH.VP.ENTER" { text += " \(status)" }
    defer {
      last = text
      lastLeaf = leaf
      isRetry = status.hasPrefix(Self.noEntropy)
    }
    if Self.uncounted.contains(leaf), last == text { return }
    texts.append(text)
  }

  /// Whether the list would tell where in the guest the leaf works.
  public static func isPlaced(_ leaf: String) -> Bool { placed.contains(leaf) }

  /// The list as a test has it.
  public var value: Value { .list(texts.map { .text($0) }) }

  /// TDX_RND_NO_ENTROPY, the upper half.
  private static let noEntropy = "0x80000203"
  private static let placed: Set<String> = [
    "TDH.MEM.PAGE.ADD", "TDH.MEM.PAGE.AUG", "TDH.MEM.PAGE.REMOVE", "TDH.MEM.RANGE.BLOCK",
    "TDH.MEM.SEPT.ADD",
  ]
  private static let fields: Set<String> = ["TDH.VP.WR", "TDH.VP.RD", "TDH.MNG.RD", "TDH.MNG.WR"]
  private static let uncounted: Set<String> = [
    "TDH.MNG.ADDCX", "TDH.VP.ADDCX", "TDH.MR.EXTEND", "TDH.PHYMEM.PAGE.RECLAIM",
  ]
}
