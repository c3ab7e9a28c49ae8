/// Which groups wait for which, and an order in which they could run, kept up to date while groups grow.
///
/// The order makes questions cheap: whoever a group waits for stands before it, so that a search for another group
/// leaves out all that stands before that one. It is Pearce and Kelly's ("A Dynamic Topological Sort Algorithm for
/// Directed Acyclic Graphs", 2006): a new dependency that contradicts the order moves only the groups between its ends
/// that have to do with them.
struct GroupOrder {
    private var before: [Set<Int>] = []
    private var after: [Set<Int>] = []
    /// The place of each group in the order.
    private var rank: [Int] = []

    mutating func addGroup() {
        before.append([])
        after.append([])
        rank.append(rank.count)
    }

    /// Whether `group` needs what `other` computes, in however many steps.
    func depends(_ group: Int, on other: Int) -> Bool {
        group == other || reaches(from: [group], other)
    }

    /// Whether `group` needs `other` by way of a third group.
    func hasDetour(from group: Int, to other: Int) -> Bool {
        guard rank[other] < rank[group] else { return false }
        return reaches(from: before[group].subtracting([other, group]), other)
    }

    /// Whether any of the groups waits for `other`.
    private func reaches(from start: Set<Int>, _ other: Int) -> Bool {
        var seen = start.filter { rank[$0] > rank[other] }
        var pending = Array(seen)
        while let next = pending.popLast() {
            if before[next].contains(other) { return true }
            for group in before[next] where rank[group] > rank[other] && seen.insert(group).inserted {
                pending.append(group)
            }
        }
        return false
    }

    /// Lets `group` read from `other`.
    mutating func add(_ other: Int, before group: Int) {
        guard other != group, before[group].insert(other).inserted else { return }
        after[other].insert(group)
        guard rank[other] > rank[group] else { return }
        let late = closure(of: group, after) { [rank] in rank[$0] <= rank[other] }
        precondition(!late.contains(other), "groups never wait for themselves")
        let early = closure(of: other, before) { [rank] in rank[$0] >= rank[group] }
        place(sorted(early) + sorted(late))
    }

    /// Lets `group` stand for `other` as well. No way from one to the other may lead through a third.
    mutating func merge(_ other: Int, into group: Int) {
        let (first, last) = rank[other] < rank[group] ? (other, group) : (group, other)
        let bounds = rank[first]...rank[last]
        // Whoever waits for the earlier one must come after the later one, and the other way round.
        var late = closure(of: first, after) { [rank] in $0 != last && bounds.contains(rank[$0]) }
        var early = closure(of: last, before) { [rank] in $0 != first && bounds.contains(rank[$0]) }
        late.remove(first)
        early.remove(last)
        place(sorted(early) + [other, group] + sorted(late))
        for number in before[other] {
            after[number].remove(other)
            if number != group {
                after[number].insert(group)
                before[group].insert(number)
            }
        }
        for number in after[other] {
            before[number].remove(other)
            if number != group {
                before[number].insert(group)
                after[group].insert(number)
            }
        }
        (before[other], after[other]) = ([], [])
    }

    /// `start` and all that can be reached from it along `edges` by way of groups that are included.
    private func closure(of start: Int, _ edges: [Set<Int>], where isIncluded: (Int) -> Bool) -> Set<Int> {
        var seen: Set = [start]
        var pending = [start]
        while let next = pending.popLast() {
            for group in edges[next] where isIncluded(group) && seen.insert(group).inserted {
                pending.append(group)
            }
        }
        return seen
    }

    private func sorted(_ groups: Set<Int>) -> [Int] { groups.sorted { rank[$0] < rank[$1] } }

    /// Puts groups into this order, in the places that they have between them.
    private mutating func place(_ groups: [Int]) {
        let places = groups.map { rank[$0] }.sorted()
        for (group, place) in zip(groups, places) { rank[group] = place }
    }
}
