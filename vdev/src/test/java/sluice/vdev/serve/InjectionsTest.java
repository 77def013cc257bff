package sluice.vdev.serve;

import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Faults on the command line. */
class InjectionsTest {
    private static final AddressRange EVERYTHING = new AddressRange(0, -1);

    private static Injections parse(String... texts) {
        return Injections.parse(List.of(texts));
    }

    @Test
    void eachKindBecomesItsRule() {
        Injections all = parse("deny", "deny,access=write,first=0x1000,last=0x1fff,from=3,count=2", "delay,ms=20",
                "poison,first=0,last=4095", "fail-map,from=2,count=1,after=100", "drop-invalidation,from=4");
        assertThat(all.space()).containsExactly(
                new Rule.Deny("--inject=deny", EVERYTHING, null, Occurrences.ALWAYS),
                new Rule.Deny("--inject=deny,access=write,first=0x1000,last=0x1fff,from=3,count=2",
                        AddressRange.of(0x1000, 0x1000), Access.WRITE, new Occurrences(3, 2)),
                new Rule.Delay("--inject=delay,ms=20", EVERYTHING, null, Occurrences.ALWAYS, Duration.ofMillis(20)),
                new Rule.Poison("--inject=poison,first=0,last=4095", AddressRange.of(0, 4096)),
                new Rule.FailMap("--inject=fail-map,from=2,count=1,after=100", Occurrences.nth(2), 100));
        assertThat(all.front()).containsExactly(new Rule.DropInvalidation("--inject=drop-invalidation,from=4",
                EVERYTHING, new Occurrences(4, Long.MAX_VALUE)));
        assertThat(all.stray()).isNull();
    }

    @Test
    void aStrayReadHasAnAddressOfSixtyFourBits() {
        assertThat(parse("stray-read,address=0xfffffffffffff000,from=9").stray()).isNotNull();
        assertThat(parse()).isEqualTo(Injections.NONE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "explode | unknown fault; give deny, delay, poison, fail-map, drop-invalidation or stray-read",
            "delay | ms= is missing", "stray-read | address= is missing", "deny,from=0 | count from 1",
            "deny,access=execute | is neither read nor write", "deny,first=ten | first=ten is not a number",
            "deny,first=2,last=1 | ends before it begins", "poison,ms=3 | poison has no ms=",
            "delay,ms=2001 | ms=2001 is too long: give at most 2000, because QEMU waits 5 s for an answer",
            "deny,access | is not KEY=VALUE", "deny,from=1,from=2 | or is given twice" })
    void whatIsNoneIsRefusedWithASentence(String text, String sentence) {
        assertThatThrownBy(() -> parse(text)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(sentence);
    }

    @Test
    void aFaultIsGivenOnce() {
        assertThatThrownBy(() -> parse("deny,from=2", "poison", "deny,from=2"))
                .hasMessage("--inject=deny,from=2 is given twice");
    }

    @Test
    void oneStrayReadIsPossible() {
        assertThatThrownBy(() -> parse("stray-read,address=1", "stray-read,address=2"))
                .hasMessageContaining("one stray");
    }
}
