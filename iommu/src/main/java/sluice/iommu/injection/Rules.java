package sluice.iommu.injection;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;

/** The rules of one space, with counts of their occurrences. Thread-safe. */
public final class Rules {
    private static final class Counted {
        final Rule rule;
        long seen;
        long struck;
        long at;

        Counted(Rule rule) {
            this.rule = rule;
        }

        boolean strikes(Occurrences when) {
            return struck(when.contains(++seen));
        }

        boolean struck(boolean strikes) {
            if (strikes) {
                struck++;
                at = seen;
            }
            return strikes;
        }
    }

    private final List<Counted> rules = new ArrayList<>();

    /** @throws IllegalArgumentException if a rule of this name exists */
    public synchronized void add(Rule rule) {
        for (Counted counted : rules) {
            if (counted.rule.name().equals(rule.name()))
                throw new IllegalArgumentException("there is a rule named " + rule.name() + " already");
        }
        rules.add(new Counted(rule));
    }

    /** Removes a rule; null if there is none of this name. */
    public synchronized @Nullable Rule remove(String name) {
        for (Counted counted : rules) {
            if (counted.rule.name().equals(name)) {
                rules.remove(counted);
                return counted.rule;
            }
        }
        return null;
    }

    /** Number of occurrences of the rule with this name; 0 if there is none. */
    public synchronized long struck(String name) {
        for (Counted counted : rules) {
            if (counted.rule.name().equals(name)) return counted.struck;
        }
        return 0;
    }

    /** The number of the event, from 1, at which the rule with this name struck last; 0 if it has not, or counts none. */
    public synchronized long struckAt(String name) {
        for (Counted counted : rules) {
            if (counted.rule.name().equals(name)) return counted.at;
        }
        return 0;
    }

    /** The ranges in which a rule matches accesses. */
    public synchronized List<AddressRange> watched() {
        List<AddressRange> ranges = new ArrayList<>();
        for (Counted counted : rules) {
            AddressRange range = watchedBy(counted.rule);
            if (range != null) ranges.add(range);
        }
        return ranges;
    }

    /** The range in which a rule matches accesses; null if it does not. */
    public static @Nullable AddressRange watchedBy(Rule rule) {
        return switch (rule) {
            case Rule.Deny deny -> deny.range();
            case Rule.Delay delay -> delay.range();
            case Rule.Poison poison -> poison.range();
            case Rule.Revoke revoke -> revoke.range();
            case Rule.DropInvalidation _,Rule.FailMap _ -> null;
        };
    }

    /**
     * The rule that acts on an access, or null. Rules are checked in the order they were added; the first match is
     * used.
     */
    public synchronized @Nullable Rule onAccess(AddressRange range, Access access) {
        for (Counted counted : rules) {
            boolean strikes = switch (counted.rule) {
                case Rule.Deny deny -> matches(deny.range(), deny.access(), range, access)
                        && counted.strikes(deny.when());
                case Rule.Delay delay -> matches(delay.range(), delay.access(), range, access)
                        && counted.strikes(delay.when());
                case Rule.Poison poison -> counted.struck(poison.range().overlaps(range));
                case Rule.Revoke revoke -> matches(revoke.range(), revoke.access(), range, access)
                        && counted.strikes(revoke.when());
                case Rule.DropInvalidation _,Rule.FailMap _ -> false;
            };
            if (strikes) return counted.rule;
        }
        return null;
    }

    private static boolean matches(AddressRange ruled, @Nullable Access ruledAccess, AddressRange range,
            Access access) {
        return (ruledAccess == null || ruledAccess == access) && ruled.overlaps(range);
    }

    /** The rule that makes a map fail, or null. Called once for each map. */
    public synchronized Rule.@Nullable FailMap onMap() {
        for (Counted counted : rules) {
            if (counted.rule instanceof Rule.FailMap fail && counted.strikes(fail.when())) return fail;
        }
        return null;
    }

    /** Whether an invalidation is dropped. Called once for each invalidation. */
    public synchronized boolean losesInvalidation(AddressRange range) {
        for (Counted counted : rules) {
            if (counted.rule instanceof Rule.DropInvalidation drop && drop.range().overlaps(range)
                    && counted.strikes(drop.when())) {
                return true;
            }
        }
        return false;
    }
}
