package sluice.iommu.injection;

import java.time.Duration;

import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class RulesTest {
    private static final AddressRange LOW = AddressRange.of(0, 0x1000);
    private static final AddressRange HIGH = AddressRange.of(0x1000, 0x1000);

    private final Rules rules = new Rules();

    @Test
    void aRuleCountsWhatItSeesAndStrikesWhenItIsTime() {
        Rule third = new Rule.Deny("third", LOW, Access.READ, new Occurrences(3, 2));
        rules.add(third);
        boolean[] expected = { false, false, true, true, false };
        for (boolean strikes : expected) {
            assertThat(rules.onAccess(HIGH, Access.READ)).as("another range").isNull();
            assertThat(rules.onAccess(LOW, Access.WRITE)).as("another access").isNull();
            assertThat(rules.onAccess(LOW, Access.READ)).isEqualTo(strikes ? third : null);
        }
        assertThat(rules.struck("third")).isEqualTo(2);
        assertThat(rules.struckAt("third")).as("of five, the last at which it was time").isEqualTo(4);
        assertThat(rules.struckAt("fourth")).isZero();
        assertThat(rules.struck("fourth")).as("there is none").isZero();
    }

    @Test
    void theFirstThatStrikesCounts() {
        Rule delay = new Rule.Delay("delay", LOW, null, Occurrences.nth(1), Duration.ZERO);
        Rule poison = new Rule.Poison("poison", new AddressRange(0, -1));
        rules.add(delay);
        rules.add(poison);
        assertThat(rules.onAccess(LOW, Access.WRITE)).isSameAs(delay);
        assertThat(rules.onAccess(LOW, Access.WRITE)).isSameAs(poison);
        assertThat(rules.watched()).containsExactly(LOW, new AddressRange(0, -1));
        assertThat(rules.struck("delay")).isEqualTo(1);
        assertThat(rules.struck("poison")).isEqualTo(1);
        assertThat(rules.struckAt("delay")).isEqualTo(1);
        assertThat(rules.struckAt("poison")).as("it counts no events").isZero();
        assertThat(rules.remove("poison")).isSameAs(poison);
        assertThat(rules.remove("poison")).isNull();
        assertThat(rules.onAccess(LOW, Access.WRITE)).isNull();
    }

    @Test
    void mapsAndInvalidationsHaveRulesOfTheirOwn() {
        Rule.FailMap fail = new Rule.FailMap("fail", Occurrences.nth(2), 0);
        rules.add(fail);
        rules.add(new Rule.DropInvalidation("drop", LOW, Occurrences.nth(1)));
        assertThat(rules.watched()).isEmpty();
        assertThat(rules.onAccess(LOW, Access.READ)).isNull();
        assertThat(rules.onMap()).isNull();
        assertThat(rules.onMap()).isSameAs(fail);
        assertThat(rules.onMap()).isNull();
        assertThat(rules.losesInvalidation(HIGH)).isFalse();
        assertThat(rules.losesInvalidation(new AddressRange(0, -1))).isTrue();
        assertThat(rules.losesInvalidation(LOW)).isFalse();
    }

    @Test
    void refusesNonsense() {
        rules.add(new Rule.Poison("one", LOW));
        assertThatThrownBy(() -> rules.add(new Rule.Poison("one", HIGH)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("one already");
        assertThatThrownBy(() -> new Occurrences(0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Occurrences(1, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Rule.FailMap("x", Occurrences.ALWAYS, -1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Rule.FailMap("x", Occurrences.ALWAYS, 0, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Rule.Delay("x", LOW, null, Occurrences.ALWAYS, Duration.ofNanos(-1)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
