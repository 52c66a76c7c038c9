import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Conversion, splitting, merging and unwinding in the order of RFC v2 of May 2025
/// (guest-memfd §2.4).
///
/// The order is that of the facts; what is wrong in it is expected to be violated. An item of the
/// work list is what a request changes in one block, or in all blocks if it is contiguous. That a
/// block whose re-insertion fails is in nobody's hands is inferred from a WARN.
public struct HugePagesRFCv2: Spec {
  public static let name = "gmem/huge-pages-rfc-v2"
  public let summary = "guest_memfd: huge pages as RFC v2 of May 2025 splits and merges them"

  let file = HugePageFile(levelSource: .share)
  /// The pages that were shared, and the blocks that were whole, when the conversion began.
  let wasShared = Ghost(SetOf<Page>.empty)
  let wasWhole = Ghost(SetOf<HugePage>.empty)
  /// A failed conversion has left something changed.
  let leftBehind = Ghost(false)
  /// A conversion has answered 0 and not converted all of its range.
  let claimed = Ghost(false)
  let together = NamedArgument<Bool>("one item")
  /// Some step of the conversion has failed.
  let failed = Local<Bool>("failed")
  /// The request begins in the file's first block.
  let atStart = Local<Bool>("begins at index 0")
  /// Blocks whose item was begun, and blocks that were restructured.
  let begun = Local<SetOf<HugePage>>("items begun")
  let done = Local<SetOf<HugePage>>("blocks done")

  public init() {}

  public var actions: [Action] {
    convert
    // For a block that is whole, zeroing begins at byte 0 of the folio and is as long as it.
    file.actions(
      touch: touch,
      zeroing: { q in
        file.isMeant(q)
          || file.blockOf(q) == file.blockOf(file.p.element)
            && file.block[file.blockOf(q)] == .whole
      })
  }

  /// A user fault: each takes a huge page before it is known who puts one into the file.
  private var touch: Action {
    let absent = Local<Bool>("the block has no folio")
    return Action(
      HugePageFile.touchName, each: Page.self, by: HostThread.self, cites: "guest-memfd §2.4"
    ) { p in
      let h = file.blockOf(p)
      Step("looks for the folio") {
        Require(file.users == 1 && file.gmem == .open && !file.userPTE[p] && !file.isLocked)
        Check(file.share[p] == .shared, else: .SIGBUS)
        Check(file.block[h].in(.absent, .whole, .split), else: .SIGBUS)
        Acquire(file.invalidateLock, .shared)
        absent <- (file.block[h] == .absent)
      }
      When(absent) {
        Step(Self.takesHuge) {
          When(file.isReserved) {
            file.inHand <- file.inHand + 1
          } else: {
            Release(file.invalidateLock, .shared)
            Return(.ENOMEM)
          }
        }
        Step("puts it into the file and splits it, unless another one is there") {
          file.inHand <- file.inHand - 1
          When(file.block[h] == .absent && !file.memory) {
            Release(file.invalidateLock, .shared)
            Return(.ENOMEM)
          } else: {
            file.allocates(h)
          }
        }
      }
      Step("installs the page table entry") {
        Release(file.invalidateLock, .shared)
        When(file.isSmall(p)) {
          file.userPTE[p] <- true
        } else: {
          Return(.SIGBUS)
        }
      }
    }
  }

  static let takesHuge = "takes a huge page from the reservation"

  public var scopes: [Scope] {
    let converter = ThreadPart(
      "converter", calls: [HugePageFile.convertName, HugePageFile.punchName])
    let guest = ThreadPart(
      "guest", calls: [HugePageFile.runName(.private), HugePageFile.runName(.shared)])
    let user = ThreadPart("user", threads: 2, calls: [HugePageFile.touchName])
    return [
      Scope(
        "small", "one block of two pages, two threads that may make any call",
        ["huges": 1, "mids": 1, "pages": 2, "threads": 2]),
      Scope(
        "guest",
        "two blocks of two pages: one thread converts, a vCPU faults, memory does not run out",
        [
          "huges": 2, "mids": 2, "pages": 4, "threads": 2, "PINS": 0, "HOLDERS": 0, "USERS": 0,
          "PRESSURE": 0,
        ], parts: [converter, guest]),
      Scope(
        "two", "two blocks of two pages: one thread converts, two touch pages",
        ["huges": 2, "mids": 2, "pages": 4, "threads": 3, "HOLDERS": 0],
        parts: [converter, user]),
    ]
  }
}
