-- Run once by the postgres image, when its volume is new: makes the role of the processes.
-- `issuance migrate --grant-to issuance_app` gives it its rights on the tables.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/ledger_password`
CREATE ROLE issuance_app LOGIN PASSWORD :'password';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
