import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension GmemMainline {
  static let nobodyCloses = "where memslots span every page nobody closes or deletes anything"

  /// Bindings and memslots (guest-memfd §7.1, structural).
  @ListBuilder<Property>
  var bindingRules: [Property] {
    Always(
      "I-BIND-EXCL", "no two memslots have the same index of a file",
      cites: "guest-memfd I-BIND-EXCL"
    ) {
      forAll(MemSlot.self) { s in
        forAll(MemSlot.self) { t in
          s == t || slotFile[s] == nil || slotFile[s] != slotFile[t]
            || forAll(Page.self) { p in
              forAll(Page.self) { q in
                !gfns[s].contains(p) || !gfns[t].contains(q)
                  || Condition(
                    .not(.equal(.add(p.node, pgoff[s].node), .add(q.node, pgoff[t].node))))
              }
            }
        }
      }
    }
    Always(
      "I-BIND-TOTAL", "every page of a memslot that has a file is bound to an index of it",
      cites: "guest-memfd I-BIND-TOTAL"
    ) {
      forAll(MemSlot.self) { s in
        forAll(File.self) { g in
          slot[s] == .active && slotFile[s] == g
            ==> forAll(Page.self) { p in
              !gfns[s].contains(p)
                || exists(FileIndex.self) { i in bindings[g, i] == s && backs(i, p, in: s) }
            }
        }
      }
    }
    Always(
      "I-BIND-LIVE", "bindings name memslots that are there and point back",
      cites: "guest-memfd I-BIND-LIVE"
    ) {
      forAll(File.self) { g in
        forAll(FileIndex.self) { i in
          forAll(MemSlot.self) { s in
            bindings[g, i] == s
              ==> slot[s] != .absent && (slotFile[s] == g || inside(Self.releaseName, g))
          }
        }
      }
    }
    Always(
      "I-BIND-READY", "a memslot in bindings is one that KVM sees",
      cites: "guest-memfd I-BIND-READY"
    ) {
      forAll(File.self) { g in
        forAll(FileIndex.self) { i in
          forAll(MemSlot.self) { s in
            bindings[g, i] == s ==> slot[s].in(.active, .invalid)
          }
        }
      }
    }
    .expect(.violated, because: "up to 7.3 the binding is made first (guest-memfd B7)")
    Forbidden(
      "I-BIND-STABLE", "bindings change while somebody under invalidate_lock walks them",
      cites: "guest-memfd I-BIND-STABLE"
    ) {
      at(Self.unbindsDying)
      exists(MemSlot.self) { s in
        slot[s] == .invalid
          && exists(File.self) { g in
            slotFile[s] == g && life[g] == .dying && holding(invalidateLock[g], .shared)
          }
      }
    }
    .expect(.violated, when: poison == 1, because: "up to 7.3 a dying file is unbound without it")
    Always(
      "I-GPA-EXCL", "memslots have no page of the GPA space in common",
      cites: "guest-memfd I-GPA-EXCL"
    ) {
      forAll(Page.self) { p in
        forAll(MemSlot.self) { s in
          forAll(MemSlot.self) { t in s == t || !gfns[s].contains(p) || !gfns[t].contains(p) }
        }
      }
    }
  }

  /// Who holds what (guest-memfd §7.1, structural).
  @ListBuilder<Property>
  var references: [Property] {
    Always(
      "I-REF-KVM", "a file that is not released holds the VM", cites: "guest-memfd I-REF-KVM"
    ) { destroyed ==> forAll(File.self) { g in !life[g].in(.live, .dying) } }
    .expect(.vacuous, when: whole == 1, because: Self.nobodyCloses)
    Always(
      "I-NOGET-DYING", "nobody has a reference to a file that is dying or released",
      cites: "guest-memfd I-NOGET-DYING"
    ) {
      forAll(File.self) { g in
        !life[g].in(.live, .none) ==> !holding(fdget[g], .shared) && gmem[g] != .open
      }
    }
    .expect(.vacuous, when: whole == 1, because: Self.nobodyCloses)
    Possible(
      "I-WEAK", "a file can be released while memslots are bound to it",
      cites: "guest-memfd I-WEAK"
    ) {
      exists(MemSlot.self) { s in
        slot[s] == .active && slotKind[s] != .host && slotFile[s] == nil
      }
    }
    .expect(.vacuous, when: whole == 1, because: Self.nobodyCloses)
  }

  /// What user space has mapped (guest-memfd §7.1, mapping).
  @ListBuilder<Property>
  var userMappings: [Property] {
    Always(
      "I-PTE-KIND", "user space maps only pages of shared files that it has a mapping of",
      cites: "guest-memfd I-PTE-KIND"
    ) {
      forAll(File.self) { g in
        forAll(FileIndex.self) { i in
          pte[g, i]
            ==> canMap[g] && initShared[g] && exists(VMA.self) { m in vmaFile[m] == g }
        }
      }
    }
    .expect(.vacuous, when: types == 0, because: "private files: user space maps no page")
    Always(
      "I-PTE-CACHE", "what user space maps is in the page cache",
      cites: "guest-memfd I-PTE-CACHE"
    ) {
      forAll(File.self) { g in
        forAll(FileIndex.self) { i in pte[g, i] ==> folio[g, i] != .absent }
      }
    }
    .expect(.vacuous, when: types == 0, because: "private files: user space maps no page")
  }

  /// What the guest has mapped (guest-memfd §7.1, mapping).
  @ListBuilder<Property>
  var guestMappings: [Property] {
    Always(
      "I-SPTE-CACHE", "what the guest maps of a file is in the page cache and bound",
      cites: "guest-memfd I-SPTE-CACHE", "guest-memfd I-FREE"
    ) {
      forAll(Page.self) { p in
        spte[p].in(.privateFolio, .sharedFolio) && !isInvalidating(p)
          ==> exists(MemSlot.self) { s in
            slot[s].in(.active, .invalid) && gfns[s].contains(p)
              && exists(File.self) { g in
                (slotFile[s] == g || inside(Self.releaseName, g))
                  && exists(FileIndex.self) { i in
                    bindings[g, i] == s && backs(i, p, in: s) && folio[g, i] != .absent
                  }
              }
          }
      }
    }
    Always(
      "I-SPTE-KIND", "the guest maps private memory exactly where the attribute says so",
      cites: "guest-memfd I-SPTE-KIND"
    ) {
      forAll(Page.self) { p in
        spte[p] != .none && !isInvalidating(p) ==> (spte[p] == .privateFolio) == isPrivate[p]
      }
    }
    Always(
      "I-SRC", "pages of userspace_addr are mapped neither privately nor for GMEM_ONLY",
      cites: "guest-memfd I-SRC"
    ) {
      forAll(Page.self) { p in
        forAll(MemSlot.self) { s in
          gfns[s].contains(p) && slot[s] == .active
            ==> (spte[p] != .host || slotKind[s] != .gmemOnly)
            && (spte[p] != .sharedFolio || slotKind[s] == .gmemOnly)
        }
      }
    }
    Always(
      "I-SPTE-RELEASE", "the guest maps nothing of a file that is released",
      cites: "guest-memfd I-SPTE-RELEASE"
    ) {
      forAll(Page.self) { p in
        spte[p].in(.privateFolio, .sharedFolio)
          ==> exists(File.self) { g in
            life[g].in(.live, .dying) && isBound(p, to: g) { _ in Condition(.yes) }
          }
      }
    }
  }

  /// What pages hold (guest-memfd §7.1, contents).
  @ListBuilder<Property>
  var contents: [Property] {
    Always(
      "I-ZERO", "what is mapped was zeroed first", cites: "guest-memfd I-ZERO",
      "guest-memfd I-NOSTALE"
    ) {
      forAll(File.self) { g in
        forAll(FileIndex.self) { i in
          folio[g, i] == .fresh
            ==> !pte[g, i]
            && forAll(Page.self) { p in
              spte[p].in(.none, .host) || !isBound(p, to: g) { j in j == i }
            }
        }
      }
    }
    .expect(.vacuous, when: single == 1, because: "no page is allocated ahead")
    Always(
      "I-ERRPG", "a page whose memory failed is not mapped once that is dealt with",
      cites: "guest-memfd I-ERRPG"
    ) {
      forAll(File.self) { g in
        forAll(FileIndex.self) { i in
          folio[g, i] == .poisoned
            ==> !pte[g, i]
            && (inside(Self.failureName, g)
              || forAll(Page.self) { p in
                spte[p].in(.none, .host) || !isBound(p, to: g) { j in j == i }
              })
        }
      }
    }
    .expect(.vacuous, when: poison == 0, because: "no memory fails")
    Always(
      "I-PUNCH", "a page that left the file takes its contents along",
      cites: "guest-memfd I-PUNCH"
    ) {
      forAll(File.self) { g in
        forAll(FileIndex.self) { i in content[g, i] != nil ==> folio[g, i] == .uptodate }
      }
    }.expect(.vacuous, when: types == 0 || writes == 0, because: "user space writes no byte")
  }

  /// An invalidation that covers the page is under way.
  private func isInvalidating(_ p: Expr<Page>) -> Condition {
    inProgress > 0 && hull.contains(p)
  }

  /// The invalidation protocol (guest-memfd §7.1, invalidation).
  @ListBuilder<Property>
  var invalidation: [Property] {
    Always(
      "I-INV-BAL", "an invalidation is under way until its end, and then none is left",
      cites: "guest-memfd I-INV-BAL"
    ) {
      at(Self.ends) ==> inProgress > 0
      inProgress > 0
        ==> inside("fallocate") || inside("KVM_SET_MEMORY_ATTRIBUTES") || inside(Self.releaseName)
        || inside(Self.failureName)
    }
    Always(
      "I-INV-RANGE", "an invalidation under way covers something",
      cites: "guest-memfd I-INV-RANGE"
    ) { inProgress > 0 ==> hull != .empty }
  }

  /// What must be reachable for the rest to say something.
  @ListBuilder<Property>
  var questions: [Property] {
    Possible("maps-folio", "the guest can map a page of a file", cites: "guest-memfd §1.4") {
      exists(Page.self) { p in spte[p].in(.privateFolio, .sharedFolio) }
    }
    Possible(
      "vma-outlives", "a mapping alone keeps the file and the VM", cites: "guest-memfd §1.7"
    ) {
      vmFile == .closed && !destroyed
        && exists(File.self) { g in
          gmem[g] == .closed && life[g] == .live && !copied[g]
            && exists(VMA.self) { m in vmaFile[m] == g }
        }
    }
    .expect(
      .vacuous, when: profile == 0 || carriers == 0 && (pages > 1 || threads > 1 && types == 0),
      because: "such scopes map no files")
    Possible(
      "path-outlives", "the pages of a file can outlive the VM", cites: "guest-memfd §1.9"
    ) {
      destroyed
        && exists(File.self) { g in exists(FileIndex.self) { i in folio[g, i] != .absent } }
    }
    .expect(.vacuous, when: whole == 1, because: Self.nobodyCloses)
    Possible("ends", "everything can come to its end", cites: "guest-memfd §1.4") {
      destroyed && exists(File.self) { g in life[g] == .evicted }
    }
    .expect(.vacuous, when: whole == 1, because: Self.nobodyCloses)
  }
}
