package sluice.dmacore.memory;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;

/** The charge of one share for a mapped file, from its first map until the file is unmapped. */
record FileCharge(Share share, long bytes) {
    /** @throws ShareUsedUpException nothing is charged then */
    static FileCharge take(Share share, long bytes) throws ShareUsedUpException {
        FileCharge charge = new FileCharge(share, bytes);
        boolean files = false;
        boolean space = false;
        try {
            share.take(Resource.FILES, 1);
            files = true;
            share.take(Resource.ADDRESS_SPACE, bytes);
            space = true;
            share.take(Resource.MAPPINGS, 1);
            return charge;
        } catch (ShareUsedUpException e) {
            if (space) share.giveBack(Resource.ADDRESS_SPACE, bytes);
            if (files) share.giveBack(Resource.FILES, 1);
            throw e;
        }
    }

    void giveBack() {
        share.giveBack(Resource.FILES, 1);
        share.giveBack(Resource.ADDRESS_SPACE, bytes);
        share.giveBack(Resource.MAPPINGS, 1);
    }
}
