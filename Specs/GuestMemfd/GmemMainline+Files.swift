import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

private let request = NamedArgument<AllocRequest>("mode")
private let signalled = NamedArgument<FileIndex?>("signal_at")
private let call = NamedArgument<OtherCall>("call")

extension GmemMainline {
  /// A call on a file's descriptor: from any mm, and also when the VM is dead (guest-memfd §1.3).
  ///
  /// - Parameter tried: whether a scope makes the call.
  func fileGate(trying tried: Condition) -> [Statement] {
    Statements {
      Require(gmem[f] != .absent)
      Require(arguments == 1 || tried && gmem[f] == .open)
      Check(gmem[f] == .open, else: .EBADF).because("the descriptor is closed")
    }
  }

  /// fallocate: allocates pages or punches a hole (guest-memfd §1.4).
  var fallocate: Action {
    let isInterrupted = Local<Bool>("interrupted")
    return Action(
      "fallocate", taking: [f, request, extent, signalled], by: HostThread.self,
      cites: "guest-memfd §1.4"
    ) {
      Step("fdget, and the arguments") {
        fileGate(
          trying: request.in(.allocate, .punchHole) && signalled == nil
            && exists(FileIndex.self) { i in extent.contains(i) }
            && (single == 0
              || request == .punchHole && Expr<SetOf<FileIndex>>(extent.node).count() == 1)
        )
        Check(request != .negative, else: .EINVAL).because("offset or length", "guest-memfd §1.4")
        Check(request != .unsupported, else: .EOPNOTSUPP).because("the mode", "guest-memfd §1.4")
        Check(request != .tooBig, else: .EFBIG).because("s_maxbytes", "guest-memfd §1.4")
        Check(request != .malformed, else: .EINVAL)
          .because("alignment, or beyond the file's end", "guest-memfd §1.4")
        Acquire(fdget[f], .shared)
      }
      When(request == .punchHole) {
        Holding(invalidateLock[f], .write) { punches }
      } else: {
        Holding(invalidateLock[f], .read) { allocates(isInterrupted) }
      }
      Step("fput") { Release(fdget[f], .shared) }
      When(isInterrupted) { Return(.EINTR) }
    }
  }

  /// Pages that are there stay as they are (guest-memfd §1.4).
  @StatementBuilder
  private func allocates(_ isInterrupted: Local<Bool>) -> [Statement] {
    ForEach(ordered: FileIndex.self, where: { i in extent.contains(i) }) { i in
      When(signalled == i) { isInterrupted <- true }
      When(!isInterrupted) {
        Holding(folioLock[i]) {
          Step("allocates a page, neither zeroed nor uptodate") {
            When(folio[f, i] == .absent) { folio[f, i] <- .fresh }
          }
        }
      }
    }
  }

  static let findsPages = "finds the bindings and the pages"
  static let truncation = "unmaps the page from user space and truncates it"

  /// kvm_gmem_punch_hole (guest-memfd §1.4).
  @StatementBuilder
  private var punches: [Statement] {
    let victims = Local<SetOf<Page>>("pages of memslots")
    let cached = Local<SetOf<FileIndex>>("cached")
    Step(Self.findsPages) {
      victims <- those(Page.self) { p in isBound(p, to: f.element) { i in extent.contains(i) } }
      cached <- those(FileIndex.self) { i in extent.contains(i) && folio[f, i] != .absent }
    }
    When(victims != .empty) {
      invalidationBegins(victims) { _ in Condition(.yes) }
      ForEach(ordered: FileIndex.self, where: { i in cached.contains(i) }) { i in truncates(i) }
      invalidationEnds()
    } else: {
      ForEach(ordered: FileIndex.self, where: { i in cached.contains(i) }) { i in truncates(i) }
    }
  }

  /// A page leaves the file: locked, unmapped from every user page table, freed
  /// (guest-memfd §1.4).
  @StatementBuilder
  private func truncates(_ i: Expr<FileIndex>) -> [Statement] {
    Holding(folioLock[i]) {
      Step(Self.truncation) { drops(f.element, i) }
    }
  }

  /// Nothing is left of the page but what pins hold.
  @StatementBuilder
  func drops(_ f: Expr<File>, _ i: Expr<FileIndex>) -> [Statement] {
    pte[f, i] <- false
    folio[f, i] <- .absent
    content[f, i] <- nil
    When(pin[f, i] == .cached) { pin[f, i] <- .detached }
  }

  /// Calls that a memfd has no operation for (guest-memfd §1.4).
  var otherCall: Action {
    Action("file call", taking: [f, call], by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("the file's operations") {
        fileGate(trying: Condition(.no))
        Check(call != .truncate, else: .EINVAL).because("i_size is immutable", "guest-memfd I-SIZE")
        Check(call != .seekOrTransfer, else: .ESPIPE)
          .because("pread, pwrite, lseek: no file position", "guest-memfd §1.4")
        Check(call != .transfer, else: .EINVAL).because("read, write, fsync", "guest-memfd §1.4")
        Check(call != .ioctl, else: .ENOTTY).because("no ioctl of its own", "guest-memfd §1.4")
      }
    }
  }
}
