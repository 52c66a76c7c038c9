import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

private let toPrivate = NamedArgument<Bool>("private")

extension GmemMainline {
  static let storesAttributes = "stores the attributes"

  /// KVM_SET_MEMORY_ATTRIBUTES (guest-memfd §1.4): no page is allocated, freed or zeroed by it.
  var setAttributes: Action {
    let isSame = Local<Bool>("nothing to change")
    return Action(
      "KVM_SET_MEMORY_ATTRIBUTES", taking: [caller, shape, range, toPrivate],
      by: HostThread.self, cites: "guest-memfd §1.4"
    ) {
      vmGate(
        trying: arguments == 1
          || shape == .fine && hasPrivateMemory && exists(Page.self) { p in range.contains(p) }
            && (single == 0 || Expr<SetOf<Page>>(range.node).count() == 1)
      )
      Step("the arguments") {
        Check(privateMemory == 1, else: .ENOTTY).because("not compiled in", "guest-memfd §1.2")
        Check(shape == .fine, else: .EINVAL)
          .because("flags, unknown attributes, size, alignment", "guest-memfd §1.4")
        Check(!toPrivate || hasPrivateMemory, else: .EINVAL)
          .because("only a VM with private memory has the attribute", "guest-memfd §1.2")
      }
      Holding(slotsLock) {
        Step("does every page have the attributes?") {
          isSame
            <- forAll(Page.self) { p in
              !range.contains(p) || isPrivate[p] == Expr<Bool>(toPrivate.node)
            }
        }
        When(!isSame) {
          invalidationBegins(range) { p in isPrivate[p] != Expr<Bool>(toPrivate.node) }
          Step(Self.storesAttributes) {
            Each(Page.self) { p in
              When(range.contains(p)) { isPrivate[p] <- Expr<Bool>(toPrivate.node) }
            }
          }
          invalidationEnds()
        }
      }
    }
  }
}
