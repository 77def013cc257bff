package sluice.vdev.serve;

import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;
import sluice.vdev.host.HostFault;
import sluice.vdev.plugin.FaultKind;

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
    void whatHappensInTheHostIsTaken() {
        Injections all = parse("lost-interrupt,vector=line,from=2", "late-interrupt,ms=20,vector=3,every=5",
                "short-write,bytes=16,first=0x1000,last=0x1fff", "overrun,bytes=65536,one-in=10,seed=42",
                "fail-unmap,errno=ENOMEM,count=1", "fail-unmap,errno=7");
        assertThat(all.host()).containsExactly(
                new HostFault.LostInterrupt("--inject=lost-interrupt,vector=line,from=2",
                        new Occurrences(2, Long.MAX_VALUE), HostFault.LINE),
                new HostFault.LateInterrupt("--inject=late-interrupt,ms=20,vector=3,every=5",
                        new Occurrences(1, Long.MAX_VALUE, 5, 1, 0), 3, Duration.ofMillis(20)),
                new HostFault.ShortWrite("--inject=short-write,bytes=16,first=0x1000,last=0x1fff", Occurrences.ALWAYS,
                        AddressRange.of(0x1000, 0x1000), 16),
                new HostFault.Overrun("--inject=overrun,bytes=65536,one-in=10,seed=42",
                        new Occurrences(1, Long.MAX_VALUE, 1, 10, 42), EVERYTHING, 65_536),
                new HostFault.FailUnmap("--inject=fail-unmap,errno=ENOMEM,count=1", Occurrences.nth(1), 12),
                new HostFault.FailUnmap("--inject=fail-unmap,errno=7", Occurrences.ALWAYS, 7));
        assertThat(parse("revoke,access=read,from=3", "fail-map,errno=ENOSPC").space()).containsExactly(
                new Rule.Revoke("--inject=revoke,access=read,from=3", EVERYTHING, Access.READ,
                        new Occurrences(3, Long.MAX_VALUE)),
                new Rule.FailMap("--inject=fail-map,errno=ENOSPC", Occurrences.ALWAYS, 0, 28));
    }

    /** What decides is told, so that it can be had again. */
    @Test
    void aChanceWithoutASeedGetsOne() {
        Injections drawn = parse("deny,one-in=7");
        String name = drawn.space().getFirst().name();
        assertThat(name).matches("--inject=deny,one-in=7,seed=\\d+");
        assertThat(drawn.byChance()).containsExactly(name);
        assertThat(parse(name.substring("--inject=".length()))).isEqualTo(drawn);
        assertThat(parse("deny", "lost-interrupt,one-in=2,seed=1").byChance())
                .containsExactly("--inject=lost-interrupt,one-in=2,seed=1");
    }

    /** Each kind of the grammar is one that is understood. */
    @ParameterizedTest
    @EnumSource(FaultKind.class)
    void theGrammarIsTheParsers(FaultKind kind) {
        String least = kind.word() + switch (kind) {
            case DELAY, LATE_INTERRUPT -> ",ms=1";
            case SHORT_WRITE, OVERRUN -> ",bytes=1";
            case STRAY_READ -> ",address=0";
            default -> "";
        };
        Injections parsed = parse(least);
        assertThat(parsed.space().size() + parsed.front().size() + parsed.host().size()
                + (parsed.stray() == null ? 0 : 1)).isEqualTo(1);
        for (String key : kind.keys().split("[\\[\\],]+")) {
            if (!key.isEmpty() && !least.contains("," + key.substring(0, key.indexOf('='))))
                assertThat(whatIsSaidOf(least + "," + key.substring(0, key.indexOf('=')) + "=?"))
                        .doesNotContain(kind.word() + " has no");
        }
        assertThat(FaultKind.grammar()).contains("  " + kind.word() + kind.keys(), kind.effect());
    }

    private static String whatIsSaidOf(String text) {
        try {
            return parse(text).toString();
        } catch (IllegalArgumentException e) {
            return String.valueOf(e.getMessage());
        }
    }

    @Test
    void aStrayReadHasAnAddressOfSixtyFourBits() {
        assertThat(parse("stray-read,address=0xfffffffffffff000,from=9").stray()).isNotNull();
        assertThat(parse()).isEqualTo(Injections.NONE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "explode | unknown fault; give one of deny, delay, poison, revoke, fail-map, fail-unmap, lost-interrupt",
            "move | which only the guest moves; give revoke", "overrun | bytes= is missing",
            "overrun,bytes=0 | bytes=0: give 1 to 65536", "short-write,bytes=65537 | bytes=65537: give 1 to 65536",
            "late-interrupt | ms= is missing", "late-interrupt,ms=3000 | give at most 2000",
            "lost-interrupt,vector=2048 | vector=2048: give 0 to 2047, or line",
            "lost-interrupt,vector=pin | vector=pin is not a number",
            "fail-map,errno=EWHAT | errno=EWHAT: give a name such as ENOSPC, or a number from 1 to 4095",
            "fail-unmap,errno=4096 | errno=4096: give a name", "deny,every=0 | count from 1",
            "deny,one-in=0 | count from 1", "deny,seed=3 | deny has no seed=", "poison,from=2 | poison has no from=",
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
