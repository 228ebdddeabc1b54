"""Names of columns that people use for ours, and names that could mean several of them."""

SYNONYMS = {
    "mobile": (
        "phone phonenumber phoneno phonenum mobilenumber mobileno mobilenum mobilephone msisdn "
        "cell cellphone cellnumber cellphonenumber telephone telephonenumber contactnumber "
        "contactno"
    ),
    "email": "emailaddress emailid mail mailaddress",
    "externalId": "customerid customerno customernumber customercode",
    "rewardId": "reward rewardno rewardnumber",
    "quantity": "qty units",
    "orgId": "organisationid organizationid",
}
"""Names in the form of `columns.plain`, by our column."""

BY_SYNONYM = {theirs: ours for ours, names in SYNONYMS.items() for theirs in names.split()}

AMBIGUOUS = {
    "id": ("externalId", "rewardId"),
    "number": ("mobile", "quantity"),
    "no": ("mobile", "quantity"),
    "contact": ("mobile", "email"),
    "customer": ("mobile", "email", "externalId"),
    "user": ("mobile", "email", "externalId"),
    "userid": ("externalId", "-"),
    "memberid": ("externalId", "-"),
    "cardnumber": ("externalId", "-"),
    "amount": ("quantity", "redemptionValue"),
    "value": ("quantity", "redemptionValue"),
    "count": ("quantity", "-"),
    "code": ("externalId", "rewardId"),
}
"""Names that are never guessed, with what they could mean."""
