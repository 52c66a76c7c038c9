import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension InPlaceTD {
  static let looksAtVM = "is the VM dead? 7.4 does not look"
  static let freezes = "splits the file's folio, which must be the page cache's alone"
  static let zapsShared = "zaps the guest's shared pages"
  static let storesPrivate = "stores the attribute of the whole range: private"
  static let storesShared = "stores the attribute of the whole range: shared"

  /// KVM_SET_MEMORY_ATTRIBUTES2: everything that can fail comes before everything that cannot be
  /// taken back, which is from TDH.MEM.PAGE.DEMOTE and TDH.MEM.PAGE.REMOVE on (guest-memfd §5.1).
  ///
  /// The result of a removal is used for KVM_BUG_ON only (kvm-tdx §4.2): it answers 0 also then.
  var convert: Action {
    sharing.convert(
      admits: [looks],
      toPrivate: Statements {
        Holding(kvm.mmuLock, .write) {
          kvm.invalidationBegins(f.element)
          Step(Self.zapsShared) {
            Each(Page.self) { p in
              When(sharing.changes(p, to: .private)) { direct[p] <- false }
            }
          }
        }
        Step(Self.storesPrivate) { stores(.private) }
        kvm.invalidationEnds(f.element)
      },
      toShared: Statements {
        When(level == 1) { Step(Self.freezes) { freezesFolio } }
        zapsPrivate
        Step(Self.storesShared) { stores(.shared) }
        kvm.invalidationEnds(f.element)
      })
  }

  var f: NamedArgument<File> { sharing.f }

  private var looks: Statement {
    Step(Self.looksAtVM) {
      Check(gate == 0 || !kvm.vmDead, else: .EIO)
        .because("no gate: the file outlives the VM's descriptors", "guest-memfd §2.2")
      begun <- begun.removing(f.element)
      taken <- those(Page.self) { p in taken.contains(p) && !(kvm.fileOf[p] == f) }
      When(kvm.vmDead) {
        late <- late.inserting(f.element)
      } else: {
        late <- late.removing(f.element)
      }
    }
  }

  /// A folio as large as the mapping: only gmem itself holds it while it is private, and somebody
  /// for a moment (guest-memfd §2.4).
  @StatementBuilder var freezesFolio: [Statement] {
    Check(
      !large[f] || forAll(Page.self) { p in kvm.fileOf[p] == f ==> sharing.held != p },
      else: .EAGAIN
    ).because("nothing has changed yet", "guest-memfd §5.1")
  }

  @StatementBuilder var zapsPrivate: [Statement] {
    kvm.zap(
      f.element, withoutHKID: withoutHKID, begin: [kvm.invalidationBegins(f.element)],
      in: { p in sharing.range.contains(p) }, if: { p in sharing.attribute[p] == .private })
  }

  @StatementBuilder func stores(_ target: Share) -> [Statement] {
    sharing.storesAttribute(target)
    begun <- begun.inserting(f.element)
  }
}
