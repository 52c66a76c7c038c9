import SpecLanguage
import TDXModuleSpecs

extension TDXVM {
  /// Maps a private page of a TD that runs (kvm-tdx §2.5, §2.10).
  ///
  /// - Parameter reloads: whether a root that has become obsolete is loaded anew before each try;
  ///   KVM_RUN does that when it enters the guest.
  func faultPrivate(_ p: Expr<Page>, reloads: Bool = false) -> Action {
    let again = Local<Bool>("RET_PF_RETRY")
    return Action("a fault on a private GPA", cites: "kvm-tdx §2.5") {
      Holding(srcu, .read) {
        Repeat(while: again) {
          interruptible
          allocates()
          if reloads {
            When(roots == 1 && rootObsolete[v]) {
              Step("kvm_mmu_reload: an obsolete root") { rootObsolete[v] <- false }
            }
          }
          Step("kvm_mmu_faultin_pfn") {
            Check(!vmDead, else: .EIO).because("KVM_REQ_VM_DEAD", "kvm-tdx §2.5")
            Check(isPrivate[p], else: .EFAULT).because("the attribute is shared", "kvm-tdx §2.5")
            Check(slotOf[p] == nil || slotOf[p] != deleting, else: .EAGAIN)
              .because("the slot is INVALID", "kvm-tdx §2.10")
            Check(fileOf[p] != nil && !isReleased(p), else: .EFAULT)
              .because("no slot, no memfd, or a closed one", "kvm-tdx §2.5")
            folioAppears(p)
            isFresh[v] <- true
          }
          Holding(mmuLock, .read) {
            Step("is_page_fault_stale") {
              again <- !isFresh[v] || invalidating.contains(p) || rootObsolete[v]
              isFresh[v] <- false
            }
            When(!again) { augPage(p) }
          }
        }
      }
    }
  }

  @StatementBuilder
  private func augPage(_ p: Expr<Page>) -> [Statement] {
    let status = Local<Outcome>("status")
    Step("is it mapped") { Check(!mirror[p], else: .ok) }
    When(kind != .td) {
      Step("maps the page") { mirror[p] <- true }
      Return(.ok)
    }
    addTables(p)
    Step("freezes the mirror SPTE") {
      Require(forAll(VCPU.self) { w in frozen[w] != p })
        .because("another vCPU maps it: the fault is tried again", "kvm-tdx §3.5")
      Check(!mirror[p], else: .ok)
      frozen[v] <- p
    }
    pin(p)
    insistently(
      .memPageAug, by: module.pageAug(p), into: status,
      effect: Statements {
        mirror[p] <- true
        ownsFolio(p)
        When(build != .runnable) { wrongBuild <- true }
      })
    Step("the mirror SPTE is no longer frozen") { frozen[v] <- nil }
    When(status != .ok) {
      unpin(p)
      kvmBug(after: status)
      Return(.EIO)
    }
  }

  /// KVM_PRE_FAULT_MEMORY (kvm-tdx §2.10).
  var preFault: Action {
    let answer = Local<Outcome>("answer")
    let any = Local<Bool>("some page done")
    return Action(
      "KVM_PRE_FAULT_MEMORY", taking: [caller, v, shape, bits, range], by: HostThread.self,
      cites: "kvm-tdx §2.10"
    ) {
      vcpuGate(trying: arguments == 1 || bits == .low && shape == .fine)
      Step("the arguments") {
        Check(shape == .fine, else: .EINVAL).because("flags, alignment, size", "kvm-tdx §2.10")
      }
      holdingVCPU {
        ForEach(ordered: Page.self, where: { p in range.contains(p) }) { p in
          Call(preFaultPage(p), into: answer)
          When(answer != .ok) {
            When(any) { Return(.ok) }
            Return(answer)
          }
          any <- true
        }
      }
    }
  }

  private func preFaultPage(_ p: Expr<Page>) -> Action {
    let answer = Local<Outcome>("answer")
    return Action("kvm_arch_vcpu_pre_fault_memory", cites: "kvm-tdx §2.10") {
      interruptible
      Step("kvm_arch_vcpu_pre_fault_memory") {
        Check(kind != .td || build == .runnable, else: .EOPNOTSUPP)
          .because("not before FINALIZE_VM", "kvm-tdx §2.10")
        Check(!isShared, else: .EINVAL).because("the shared bit", "kvm-tdx §2.10")
      }
      loadRoot
      When(isPrivate[p]) {
        Call(faultPrivate(p, reloads: true), into: answer)
        Return(answer)
      }
      Step("a shared page") {
        Check(slotOf[p] == nil || slotOf[p] != deleting, else: .EAGAIN)
          .because("the slot is INVALID", "kvm-tdx §2.10")
        Check(slotOf[p] != nil, else: .ENOENT).because("no slot", "kvm-tdx §2.10")
        Check(!isReleased(p) || !isMappable(p), else: .EFAULT)
          .because("the memfd is closed", "kvm-tdx §2.10")
        Check(!unbacked[p] || isMappable(p), else: .EFAULT).because("the hva", "kvm-tdx §2.10")
      }
    }
  }

  /// The slot takes shared faults from the memfd too (GMEM_ONLY, kvm-tdx §2.6).
  func isMappable(_ p: Expr<Page>) -> Condition {
    exists(File.self) { g in fileOf[p] == g && gmemCanMap[g] }
  }
}
