package sluice.dmacore.model;

import java.util.Set;

import sluice.dmacore.finding.Rule;

/** Possible errors at the end of a program, and the expected findings. */
enum Mistake {
    NONE,
    /** What the device writes all the same is lost with the write-back that comes later. */
    DEVICE_SYNC_FORGOTTEN(Rule.MISSING_SYNC_FOR_DEVICE, Rule.MISSING_SYNC_FOR_CPU),
    STORE_IN_DEVICES_TIME(Rule.CPU_WROTE_DEVICE_OWNED),
    WRITE_AGAINST_DIRECTION(Rule.DEVICE_AGAINST_DIRECTION),
    SYNC_BEYOND_END(Rule.D20_SYNC_TOO_LONG),
    SYNC_AFTER_UNMAP(Rule.D19_SYNC_NOT_MAPPED),
    UNMAP_TWICE(Rule.D2_UNMAP_NOT_MAPPED),
    UNMAP_WITH_OTHER_DIRECTION(Rule.D7_UNMAP_DIRECTION),
    SYNC_WITH_OTHER_DIRECTION(Rule.D21_SYNC_DIRECTION, Rule.D22_SYNC_FOR_CPU_READ_ONLY,
            Rule.D23_SYNC_FOR_DEVICE_WRITE_ONLY),
    NOT_SYNCED_BACK_FOR_SNOOPER(Rule.MISSING_SYNC_FOR_CPU),
    ACCESS_AFTER_UNMAP(Rule.DEVICE_AFTER_UNMAP),
    ACCESS_OUTSIDE(Rule.DEVICE_OUTSIDE_MAPPING),
    END_WITHOUT_BEGIN(Rule.UNBALANCED_CPU_ACCESS),
    BEGIN_WITHOUT_END(Rule.UNBALANCED_CPU_ACCESS),
    CPU_OUTSIDE_BRACKET(Rule.CPU_ACCESS_OUTSIDE_BRACKET),
    GIVEN_IN_AN_ACCESS(Rule.CPU_ACCESS_OPEN),
    STORED_BEFORE_UNMAP(Rule.CPU_WRITES_LOST),
    DETACH_WHILE_MAPPED(Rule.DETACHED_WHILE_MAPPED);

    @SuppressWarnings("ImmutableEnumChecker") // a copy that nobody can change
    final Set<Rule> rules;

    Mistake(Rule... rules) {
        this.rules = Set.of(rules);
    }

    /** Whether it is one only where caches stand between a device and memory. */
    boolean needsCaches() {
        return this == STORE_IN_DEVICES_TIME || this == NOT_SYNCED_BACK_FOR_SNOOPER || this == STORED_BEFORE_UNMAP;
    }
}
