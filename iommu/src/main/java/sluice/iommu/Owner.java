package sluice.iommu;

/**
 * The owner of a mapping: an opaque number of the mapping code, and a label for messages.
 *
 * @param tag any number, opaque here
 * @param label for messages, such as "resource 7 of gpu0"
 */
public record Owner(long tag, String label) {
    @Override
    public String toString() {
        return label;
    }
}
