import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

private let request = NamedArgument<MapRequest>("how")
private let wanted = NamedArgument<Protection>("prot")
private let isInside = NamedArgument<Bool>("within_size")
private let byte = NamedArgument<Byte?>("value")
private let isWrite = NamedArgument<Bool>("write")

extension GmemMainline {
  static let mmapBegins = "fdget, and the arguments"
  static let findsMapping = "finds the mapping"
  static let mapsFile = "kvm_gmem_mmap"
  static let getsFolio = "kvm_gmem_get_folio: allocates, zeroes"
  static let mapsPage = "maps the page"

  /// mmap of a memfd: a private file can be mapped too, only faults fail (guest-memfd §1.4).
  var mmap: Action {
    Action("mmap", taking: [f, m, request, wanted], by: HostThread.self, cites: "guest-memfd §1.4")
    {
      Step(Self.mmapBegins) {
        fileGate(trying: request == .shared && wanted == .write && vmaFile[m] == nil)
        Check(request != .malformed, else: .EINVAL)
          .because("the length, or an offset that is not in pages", "guest-memfd §1.4")
        Check(request != .executable, else: .EPERM)
          .because("the mount is noexec", "guest-memfd §1.4")
        Check(canMap[f], else: .ENODEV).because("no flag MMAP", "guest-memfd §1.4")
        Check(request == .shared, else: .EINVAL).because("no shared mapping", "guest-memfd §1.4")
        Acquire(fdget[f], .shared)
      }
      Holding(mmapLock, .write) {
        Step(Self.mapsFile) {
          When(vmaFile[m] == nil) {
            vmaFile[m] <- f.element
            protection[m] <- Expr<Protection>(wanted.node)
          }
          Release(fdget[f], .shared)
        }
      }
    }
  }

  /// munmap of a mapping: the file loses a reference (guest-memfd §1.7).
  var munmap: Action {
    Action("munmap", taking: [m], by: HostThread.self, cites: "guest-memfd §1.7") {
      Step("is there a mapping?") { Require(vmaFile[m] != nil) }
      Holding(mmapLock, .write) {
        Step("unmaps") {
          Each(File.self) { g in
            When(
              vmaFile[m] == g
                && !exists(VMA.self) { other in vmaFile[other] == g && other != m }
            ) {
              Each(FileIndex.self) { i in pte[g, i] <- false }
            }
          }
          vmaFile[m] <- nil
          protection[m] <- .none
        }
      }
    }
  }

  /// An access of user space to a byte of a mapping, and the fault that it takes
  /// (guest-memfd §1.4).
  var touch: Action {
    let file = Local<File?>("vm_file")
    let mapped = Local<Bool>("mapped")
    return Action(
      "touch", taking: [m, i, isInside, isWrite, byte], by: HostThread.self,
      cites: "guest-memfd §1.4"
    ) {
      Step("accesses a mapping") {
        Require(vmaFile[m] != nil)
        Require(arguments == 1 || isInside && (byte == nil || isWrite))
        Require(writes == 1 || !isWrite)
      }
      Holding(mmapLock, .read) {
        Step(Self.findsMapping) {
          Check(vmaFile[m] != nil, else: .SIGSEGV).because("it was unmapped")
          Check(
            protection[m] == .write || protection[m] == .read && !isWrite, else: .SIGSEGV
          ).because("the mapping's protection")
          Check(isInside, else: .SIGBUS).because("beyond the file's end", "guest-memfd §1.4")
          Check(
            forAll(File.self) { g in vmaFile[m] != g || initShared[g] }, else: .SIGBUS
          ).because("the memory is private for the file's life", "guest-memfd §0.2")
          file <- vmaFile[m]
          mapped <- exists(File.self) { g in vmaFile[m] == g && pte[g, i] }
        }
        When(!mapped) {
          Holding(folioLock[i]) {
            Step(Self.getsFolio) {
              Check(folio[file.value(), i] != .poisoned, else: .SIGBUS)
                .because("its memory failed", "guest-memfd §1.4")
              folio[file.value(), i] <- .uptodate
            }
            Step(Self.mapsPage) { pte[file.value(), i] <- true }
          }
        }
        When(isWrite) {
          Step("writes the byte") {
            When(pte[file.value(), i]) { content[file.value(), i] <- Expr<Byte?>(byte.node) }
          }
        }
      }
    }
  }
}
