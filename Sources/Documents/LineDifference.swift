/// The fewest lines to take out of one text and put into it to get another.
struct LineDifference {
  /// Each line of both texts once: of which text it is, `nil` for both.
  let lines: [(side: Side?, text: String)]

  /// O(lines of one × lines of the other).
  init(_ a: [String], _ b: [String]) {
    var common = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in a.indices.reversed() {
      for j in b.indices.reversed() {
        common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : max(common[i + 1][j], common[i][j + 1])
      }
    }
    var lines: [(side: Side?, text: String)] = []
    var (i, j) = (0, 0)
    while i < a.count || j < b.count {
      if i < a.count, j < b.count, a[i] == b[j] {
        lines.append((nil, a[i]))
        (i, j) = (i + 1, j + 1)
      } else if j == b.count || (i < a.count && common[i + 1][j] >= common[i][j + 1]) {
        lines.append((.a, a[i]))
        i += 1
      } else {
        lines.append((.b, b[j]))
        j += 1
      }
    }
    self.lines = lines
  }
}
