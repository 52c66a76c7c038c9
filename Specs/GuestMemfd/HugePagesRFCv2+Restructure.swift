import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Splitting and merging one block as RFC v2 does (guest-memfd §2.4).
extension HugePagesRFCv2 {
  static let freezes = "spins until nobody holds a folio of the block, takes it out of the file"
  static let freezesForced = "does the same without asking whether a page is shared"
  static let insertsSmall = "saves the metadata, puts small folios into the file"
  static let insertsWhole = "frees the saved metadata, puts one folio into the file"
  static let insertsAgain = "puts into the file again what was there"

  /// - Parameter forced: a merge does not ask whether a page of the block is shared.
  @StatementBuilder
  func restructures(_ h: Expr<HugePage>, to target: Share, forced: Bool) -> [Statement] {
    let concerned = Local<Bool>("the block changes")
    let stuck = Local<Bool>("the insertion failed")
    if target == .shared {
      concerned <- (file.block[h] == .whole)
    } else if forced {
      concerned <- (file.block[h] == .split)
    } else {
      concerned <- (file.block[h] == .split && !file.hasShared(h))
    }
    When(concerned) {
      Step(forced && target == .private ? Self.freezesForced : Self.freezes) {
        Require(!file.isBusy(h))
        file.block[h] <- .frozen
        stuck <- false
      }
      if target == .shared { splits(h, stuck) } else { merges(h, stuck) }
    }
  }

  /// The stash, the struct pages that HVO gave up and the page cache's nodes may fail.
  @StatementBuilder
  private func splits(_ h: Expr<HugePage>, _ stuck: Local<Bool>) -> [Statement] {
    Step(Self.insertsSmall) {
      When(file.memory) {
        file.splits(h) { q in file.work.contains(q) }
      } else: {
        stuck <- true
        failed <- true
      }
    }
    When(stuck) {
      Step(Self.insertsAgain) {
        When(file.memory) {
          file.becomesWhole(h)
        } else: {
          loses(h)
        }
      }
    }
  }

  @StatementBuilder
  private func merges(_ h: Expr<HugePage>, _ stuck: Local<Bool>) -> [Statement] {
    Step(Self.insertsWhole) {
      When(file.memory) {
        file.becomesWhole(h)
      } else: {
        stuck <- true
        failed <- true
      }
    }
    When(stuck) {
      Step(Self.insertsAgain) {
        When(file.memory) {
          file.splits(h) { _ in Condition(.yes) }
        } else: {
          loses(h)
        }
      }
    }
  }

  /// A WARN: the folios are neither in the file nor with the allocator.
  @StatementBuilder
  private func loses(_ h: Expr<HugePage>) -> [Statement] { file.block[h] <- .lost }
}
