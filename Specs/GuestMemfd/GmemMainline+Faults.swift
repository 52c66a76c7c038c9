import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

private let fetched = NamedArgument<Page?>("fetched")
private let stored = NamedArgument<Page?>("stored")

extension GmemMainline {
  /// KVM_PRE_FAULT_MEMORY: what was done before a page fails is kept (guest-memfd §1.4).
  var preFault: Action {
    let answer = Local<Outcome>("answer")
    let any = Local<Bool>("some page done")
    return Action(
      "KVM_PRE_FAULT_MEMORY", taking: [caller, v, shape, range], by: HostThread.self,
      cites: "guest-memfd §1.4"
    ) {
      vcpuGate(
        trying: arguments == 1
          || shape == .fine && Expr<SetOf<Page>>(range.node).count() == 1)
      Step("the arguments") {
        Check(shape == .fine, else: .EINVAL)
          .because("flags, alignment, size", "guest-memfd §1.4")
      }
      Holding(vcpuMutex[v]) {
        ForEach(ordered: Page.self, where: { p in range.contains(p) }) { p in
          Call(fault(p, isPreFault: true), into: answer)
          When(answer != .ok) {
            When(any) { Return(.ok) }
            Return(answer)
          }
          any <- true
        }
      }
    }
  }

  /// KVM_RUN of a vCPU at its reset vector, up to what KVM decides (guest-memfd §1.4).
  ///
  /// The first instruction is fetched; one of zeroes stores to GPA 0, another halts. Without a
  /// memslot the access is emulated by user space; an instruction that cannot be fetched is an
  /// undefined one, which the next run delivers through the vectors at GPA 0 (unsure: inferred
  /// from recorded answers). With zeroed segments it halts or shuts down; what it fetches then is
  /// not followed.
  var run: Action {
    let answer = Local<Outcome>("answer")
    let stores = Local<Bool>("stores")
    let vectors = Local<Bool>("delivers an exception")
    return Action(
      "KVM_RUN", taking: [caller, v, fetched, stored], by: HostThread.self,
      cites: "guest-memfd §1.4"
    ) {
      vcpuGate(trying: environment == 1)
      Holding(vcpuMutex[v]) {
        When(smiPending[v]) {
          Step("enters SMM without its memory") { vmDead <- true }
            .because("recorded answer; its cause is unsure")
          Return(.EIO)
        }
        When(segmentsZeroed[v]) { Return(.ok) }
        Step("runs") {
          hasRun[v] <- true
          vectors <- undefined[v]
          undefined[v] <- false
        }
        When(vectors && stored != nil) {
          Call(fault(stored.value(), isPreFault: false), into: answer)
          Return(answer)
        }
        When(fetched != nil) {
          Call(fault(fetched.value(), isPreFault: false), into: answer)
          When(answer != .ok) { Return(answer) }
          Step("executes what it fetched") {
            stores
              <- exists(Page.self) { p in
                fetched == p && spte[p] != .none && !(spte[p] == .host && halts[p])
              }
            undefined[v] <- exists(Page.self) { p in fetched == p && spte[p] == .none }
          }
        }
        When(stores && stored != nil) {
          Call(fault(stored.value(), isPreFault: false), into: answer)
          When(answer != .ok) { Return(answer) }
        }
      }
    }
  }

  static let snapshots = "snapshots mmu_invalidate_seq and reads the attribute"
  static let findsSlot = "finds the memslot"
  static let decidesSource = "is it the file's?"
  static let getsFile = "kvm_gmem_get_file"
  static let findsIndex = "__kvm_gmem_get_pfn: the binding"
  static let faultPutsFile = "fput by the fault"
  static let installs = "installs the SPTE, unless an invalidation came in between"
  static let privateAccess = "private access"
  static let foundSlot = "memslot"
  static let ownFile = "gmem.file"
  static let fromFile = "from the file"
  static let foundIndex = "index"

  /// A fault on a page of the GPA space, until it is mapped or fails (guest-memfd §1.4).
  ///
  /// - Parameter isPreFault: no memslot is ENOENT for a prefault, and an exit to user space that
  ///   emulates the access for a guest.
  private func fault(_ p: Expr<Page>, isPreFault: Bool) -> Action {
    let again = Local<Bool>("retries")
    let wantsPrivate = Local<Bool>(Self.privateAccess)
    let found = Local<MemSlot?>(Self.foundSlot)
    let answer = Local<Outcome>("answer")
    return Action(isPreFault ? "a prefault" : "a fault", cites: "guest-memfd §1.4") {
      Repeat(while: again) {
        Holding(srcu, .read) {
          Step(Self.snapshots) {
            again <- false
            stale[v] <- false
            wantsPrivate <- isPrivate[p]
            found <- nil
          }
          Step(Self.findsSlot) {
            Each(MemSlot.self) { s in
              When(slot[s].in(.active, .invalid) && gfns[s].contains(p)) { found <- s }
            }
            Check(
              !exists(MemSlot.self) { s in slot[s] == .invalid && gfns[s].contains(p) }
                || !(isPreFault ? has(.preFaultTellsInvalid) : Condition(.no)),
              else: .EAGAIN
            ).because("the memslot is being deleted", "guest-memfd §1.8")
            again <- exists(MemSlot.self) { s in slot[s] == .invalid && gfns[s].contains(p) }
          }
          .because("retries once the memslot is gone", "guest-memfd §1.4")
          When(!again) {
            When(found == nil && wantsPrivate) { Return(.EFAULT) }
            When(found == nil) { Return(isPreFault ? .ENOENT : .ok) }
            Call(resolve(p, found.value(), wantsPrivate), into: answer)
            When(answer != .ok && answer != .EAGAIN) { Return(answer) }
            Step("must it retry?") { again <- answer == .EAGAIN }
          }
        }
      }
    }
  }

  /// kvm_mmu_faultin_pfn and what installs the page; EAGAIN stands for RET_PF_RETRY.
  private func resolve(
    _ p: Expr<Page>, _ s: Expr<MemSlot>, _ wantsPrivate: Local<Bool>
  ) -> Action {
    let file = Local<File?>(Self.ownFile)
    let fromFile = Local<Bool>(Self.fromFile)
    let isPoisoned = Local<Bool>("poisoned")
    let index = Local<FileIndex?>(Self.foundIndex)
    return Action("kvm_mmu_faultin_pfn", cites: "guest-memfd §1.4") {
      Step(Self.decidesSource) {
        Check(!wantsPrivate || slotKind[s] != .host, else: .EFAULT)
          .because("a private access to a memslot without memfd", "guest-memfd §1.4")
        fromFile <- wantsPrivate || slotKind[s] == .gmemOnly
        file <- slotFile[s]
        index <- nil
      }
      When(fromFile) {
        Step(Self.getsFile) {
          Check(
            exists(File.self) { g in file == g && slotFile[s] == g && life[g] == .live },
            else: .EFAULT
          ).because("the file is gone, or dying", "guest-memfd I-NOGET-DYING")
          Acquire(fdget[file.value()], .shared)
        }
        Step(Self.findsIndex) {
          Each(FileIndex.self) { i in
            When(bindings[file.value(), i] == s && backs(i, p, in: s)) { index <- i }
          }
        }
        When(index == nil) {
          Step("fput") { Release(fdget[file.value()], .shared) }
          Return(.EIO)
        }
        Holding(folioLock[index.value()]) {
          Step(Self.getsFolio) {
            isPoisoned <- folio[file.value(), index.value()] == .poisoned
            When(folio[file.value(), index.value()] != .poisoned) {
              folio[file.value(), index.value()] <- .uptodate
            }
          }
        }
        Step(Self.faultPutsFile) { Release(fdget[file.value()], .shared) }
        When(isPoisoned) { Return(.EHWPOISON) }
      } else: {
        Step("GUP of userspace_addr") {
          Check(!unbacked[p], else: .EFAULT).because("the hva", "kvm-tdx §2.10")
        }
      }
      Holding(mmuLock, .read) {
        Step(Self.installs) {
          Check(!stale[v] && !(inProgress > 0 && hull.contains(p)), else: .EAGAIN)
            .because("the fault is stale", "guest-memfd I-FAULT")
          When(fromFile) {
            When(wantsPrivate) {
              spte[p] <- .privateFolio
            } else: {
              spte[p] <- .sharedFolio
            }
          } else: {
            spte[p] <- .host
          }
        }
      }
    }
  }
}
